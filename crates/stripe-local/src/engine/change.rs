//! Updates of a subscription: cancellation, price, trial and payment method.

use super::{CollectionOutcome, Operation, pause::require_no_credit};
use crate::{
    api_error::ApiError,
    billing::{
        lifecycle::{self, CancellationSource},
        period,
        proration::{Proration, remaining_amount},
    },
    form::{Metadata, Patch},
    records::{
        BillingPeriod, CancellationDetails, CollectionPause, InvoiceBillingReason, InvoiceLineRecord,
        MissingPaymentMethod, PriceRecord, StripeSubscriptionStatus, SubscriptionItem, SubscriptionRecord,
    },
};

/// The requested changes. `Default` changes nothing.
#[derive(Default)]
pub(crate) struct SubscriptionChange {
    pub(crate) metadata: Option<Metadata>,
    pub(crate) description: Option<Patch<String>>,
    pub(crate) default_payment_method: Option<Patch<String>>,
    pub(crate) cancel_at_period_end: Option<bool>,
    pub(crate) cancel_at: Option<Patch<i64>>,
    pub(crate) comment: Option<Patch<String>>,
    pub(crate) feedback: Option<Patch<String>>,
    pub(crate) missing_payment_method: Option<MissingPaymentMethod>,
    pub(crate) collection_pause: Option<Option<CollectionPause>>,
    pub(crate) items: Vec<ItemChange>,
    pub(crate) proration: Proration,
    pub(crate) trial: Option<TrialChange>,
    /// A failed payment undoes the change.
    pub(crate) error_if_incomplete: bool,
    /// Whether the portal requests the change. The portal schedules a cancellation differently.
    pub(crate) in_portal: bool,
}

/// Another price or quantity of an item. Without an ID, the subscription must have one item.
pub(crate) struct ItemChange {
    pub(crate) id: Option<String>,
    pub(crate) price: Option<String>,
    pub(crate) quantity: Option<i64>,
    pub(crate) metadata: Option<Metadata>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrialChange {
    EndNow,
    EndAt(i64),
}

/// The items and invoice lines after a change of items.
struct ItemsUpdate {
    items: Vec<SubscriptionItem>,
    lines: Vec<InvoiceLineRecord>,
    /// Whether a new billing cycle starts, because the interval changed.
    starts_new_cycle: bool,
}

impl Operation<'_> {
    /// Applies a change: one event for the whole change, and an invoice if it is billed immediately.
    ///
    /// Fails if the change is not valid. With `error_if_incomplete`, a failed payment is an error too.
    pub(crate) fn apply_change(&mut self, id: &str, change: SubscriptionChange) -> Result<(), ApiError> {
        let subscription = self.find::<SubscriptionRecord>("subscription", id, "id")?;
        if subscription.has_ended() {
            return Err(ApiError::invalid_request(
                "A canceled subscription can only update its cancellation_details and metadata.",
            ));
        }
        let at = self.next_change_at(&subscription);
        if let Some(Patch::Set(cancel_at)) = change.cancel_at
            && cancel_at <= at
        {
            return Err(ApiError::invalid_parameter(
                "cancel_at",
                "cancel_at must be in the future.",
            ));
        }
        let new_items = self.new_items(&subscription, &change, at)?;
        let is_billed_now = new_items.as_ref().is_some_and(|new| {
            subscription.status != StripeSubscriptionStatus::Trialing
                && (new.starts_new_cycle || change.proration == Proration::AlwaysInvoice)
        });
        let invoice = match &new_items {
            Some(new) if is_billed_now => {
                require_no_credit(new.lines.iter().chain(&subscription.pending_lines))?;
                let changed = SubscriptionRecord {
                    metadata: change
                        .metadata
                        .clone()
                        .unwrap_or_else(|| subscription.metadata.clone()),
                    ..subscription.clone()
                };
                Some(self.create_draft(
                    &changed,
                    InvoiceBillingReason::SubscriptionUpdate,
                    new.lines.clone(),
                    subscription.period,
                ))
            }
            _ => None,
        };
        let recurring = match &new_items {
            Some(new) => {
                self.common_terms(new.items.iter().map(|item| item.price.as_str()))?
                    .0
            }
            None => subscription.recurring,
        };
        let trial = change.trial;
        let error_if_incomplete = change.error_if_incomplete;
        self.change_subscription(id, |subscription, at| {
            if let Some(new) = new_items {
                subscription.items = new.items;
                if new.starts_new_cycle {
                    subscription.recurring = recurring;
                    if subscription.status != StripeSubscriptionStatus::Trialing {
                        subscription.billing_cycle_anchor = at;
                        subscription.period = period::first_period(at, recurring);
                    }
                }
                if invoice.is_some() {
                    subscription.latest_invoice.clone_from(&invoice);
                    subscription.pending_lines.clear();
                } else if subscription.status != StripeSubscriptionStatus::Trialing {
                    subscription.pending_lines.extend(new.lines);
                }
            }
            apply(subscription, change, at);
        });
        if let Some(invoice) = invoice {
            self.emit_invoice("invoice.created", &invoice);
            let collected = self.finalize_invoice(&invoice, true, false)?;
            if let (true, CollectionOutcome::Failed(decline)) = (error_if_incomplete, &collected) {
                return Err(ApiError::card_declined(
                    &decline.code,
                    decline.decline_code.as_deref(),
                    &decline.message,
                ));
            }
        }
        if trial == Some(TrialChange::EndNow) && subscription.status == StripeSubscriptionStatus::Trialing {
            self.send_trial_notice(id);
            if let Some(invoice) = self.end_trial(id)? {
                self.finalize_invoice(&invoice, true, false)?;
            }
        }
        Ok(())
    }

    fn new_items(
        &mut self,
        subscription: &SubscriptionRecord,
        change: &SubscriptionChange,
        at: i64,
    ) -> Result<Option<ItemsUpdate>, ApiError> {
        if change.items.is_empty() {
            return Ok(None);
        }
        let mut items = subscription.items.clone();
        for (index, item_change) in change.items.iter().enumerate() {
            let item = match &item_change.id {
                Some(id) => items.iter_mut().find(|item| item.id == *id),
                None if items.len() == 1 => items.first_mut(),
                None => None,
            };
            let Some(item) = item else {
                return Err(ApiError::invalid_parameter(
                    format!("items[{index}][id]"),
                    "stripe-local changes existing items only: give the id of one of the subscription's items.",
                ));
            };
            if let Some(price) = &item_change.price {
                item.price.clone_from(price);
            }
            item.quantity = item_change.quantity.unwrap_or(item.quantity);
            if let Some(metadata) = &item_change.metadata {
                item.metadata.clone_from(metadata);
            }
        }
        let (recurring, currency) = self.common_terms(items.iter().map(|item| item.price.as_str()))?;
        if currency != subscription.currency {
            return Err(ApiError::invalid_request(
                "The currency of a subscription cannot change.",
            ));
        }
        let starts_new_cycle = recurring != subscription.recurring;
        let mut lines = Vec::new();
        if subscription.status != StripeSubscriptionStatus::Trialing {
            if change.proration != Proration::None {
                lines.extend(self.proration_lines(subscription, &subscription.items, at, -1));
            }
            if starts_new_cycle {
                lines.extend(self.period_lines(&items, period::first_period(at, recurring), false));
            } else if change.proration != Proration::None {
                lines.extend(self.proration_lines(subscription, &items, at, 1));
            }
        }
        Ok(Some(ItemsUpdate {
            items,
            lines,
            starts_new_cycle,
        }))
    }

    /// Invoice lines for the rest of the period: a credit (`sign` = -1) or a debit (`sign` = 1).
    pub(super) fn proration_lines(
        &mut self,
        subscription: &SubscriptionRecord,
        items: &[SubscriptionItem],
        at: i64,
        sign: i64,
    ) -> Vec<InvoiceLineRecord> {
        let mut period = subscription.period;
        period.start = at.clamp(period.start, period.end);
        items
            .iter()
            .filter_map(|item| {
                let price = self.records.get::<PriceRecord>(&item.price)?.clone();
                let amount =
                    remaining_amount(price.unit_amount * item.quantity, subscription.period, at) * sign;
                let name = self.product_name(&price);
                let label = if sign < 0 { "Unused" } else { "Remaining" };
                Some(self.invoice_line(
                    item,
                    &price,
                    amount,
                    format!("{label} time on {name}"),
                    period,
                    true,
                ))
            })
            .collect()
    }
}

/// Applies all parts of a change except the items.
fn apply(subscription: &mut SubscriptionRecord, change: SubscriptionChange, at: i64) {
    if let Some(metadata) = change.metadata {
        subscription.metadata = metadata;
    }
    if let Some(description) = change.description {
        description.apply(&mut subscription.description);
    }
    if let Some(method) = change.default_payment_method {
        method.apply(&mut subscription.default_payment_method);
    }
    if let Some(missing_payment_method) = change.missing_payment_method {
        subscription.missing_payment_method = missing_payment_method;
    }
    if let Some(pause) = change.collection_pause {
        subscription.collection_pause = pause;
    }
    match change.trial {
        Some(TrialChange::EndAt(end)) => {
            let start = subscription.trial.map_or(at, |trial| trial.start);
            let trial = BillingPeriod { start, end };
            subscription.trial = Some(trial);
            subscription.period = trial;
            subscription.billing_cycle_anchor = end;
            subscription.trial_notice_sent = false;
            subscription.status = StripeSubscriptionStatus::Trialing;
        }
        Some(TrialChange::EndNow) => {
            if let Some(trial) = &mut subscription.trial {
                trial.end = trial.end.min(at);
            }
        }
        None => {}
    }
    let scheduled_before = subscription.ends_at();
    match (change.cancel_at_period_end, change.cancel_at) {
        (Some(true), _) => {
            let source = if change.in_portal {
                CancellationSource::Portal
            } else {
                CancellationSource::Api
            };
            let (cancel_at, flag) = lifecycle::period_end_cancellation(
                source,
                subscription.billing_mode,
                subscription.period.end,
            );
            subscription.cancel_at = cancel_at;
            subscription.cancel_at_period_end = flag;
        }
        (_, Some(Patch::Set(cancel_at))) => {
            subscription.cancel_at = Some(cancel_at);
            subscription.cancel_at_period_end = false;
        }
        (_, Some(Patch::Clear)) => {
            subscription.cancel_at = None;
            subscription.cancel_at_period_end = false;
        }
        (Some(false), _) if subscription.cancel_at_period_end => {
            subscription.cancel_at = None;
            subscription.cancel_at_period_end = false;
        }
        _ => {}
    }
    match (scheduled_before, subscription.ends_at()) {
        (None, Some(_)) => {
            subscription.canceled_at = Some(at);
            subscription.cancellation.reason = Some("cancellation_requested".to_owned());
        }
        (Some(_), None) => {
            subscription.canceled_at = None;
            subscription.cancellation = CancellationDetails::default();
        }
        _ => {}
    }
    if let Some(comment) = change.comment {
        comment.apply(&mut subscription.cancellation.comment);
    }
    if let Some(feedback) = change.feedback {
        feedback.apply(&mut subscription.cancellation.feedback);
    }
}
