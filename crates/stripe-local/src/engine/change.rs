//! A subscription changed by someone: its end planned or taken back, its price, its trial, its card.

use super::{Collected, Work, pause::no_credit_left};
use crate::{
    billing::{
        lifecycle::{self, AskedIn},
        period,
        proration::{Proration, remaining},
    },
    failure::Failure,
    form::{Metadata, Patch},
    world::{BillingReason, Cancellation, Item, Line, MissingPaymentMethod, Price, Status, Subscription},
};

/// What is to be different. `Default` changes nothing.
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
    pub(crate) items: Vec<ItemChange>,
    pub(crate) proration: Proration,
    pub(crate) trial: Option<TrialChange>,
    /// A failed payment undoes the change.
    pub(crate) error_if_incomplete: bool,
    /// Who asks; the portal plans an end in its own way.
    pub(crate) in_portal: bool,
}

/// Another price or quantity of an item; without an ID of the only item.
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

/// What a change of items comes to.
struct NewItems {
    items: Vec<Item>,
    lines: Vec<Line>,
    /// Billing starts anew with another interval.
    restart: bool,
}

impl Work<'_> {
    /// Applies a change: one event for all of it, and an invoice if it is billed at once.
    pub(crate) fn change(&mut self, id: &str, change: SubscriptionChange) -> Result<(), Failure> {
        let subscription = self.find::<Subscription>("subscription", id, "id")?;
        if subscription.is_over() {
            return Err(Failure::invalid(
                "A canceled subscription can only update its cancellation_details and metadata.",
            ));
        }
        let start = self.next_second(&subscription);
        if let Some(Patch::Set(at)) = change.cancel_at
            && at <= start
        {
            return Err(Failure::parameter(
                "cancel_at",
                "cancel_at must be in the future.",
            ));
        }
        let new_items = self.new_items(&subscription, &change, start)?;
        let bill = new_items.as_ref().is_some_and(|new| {
            subscription.status != Status::Trialing
                && (new.restart || change.proration == Proration::AlwaysInvoice)
        });
        let invoice = match &new_items {
            Some(new) if bill => {
                no_credit_left(new.lines.iter().chain(&subscription.pending_lines))?;
                let changed = Subscription {
                    metadata: change
                        .metadata
                        .clone()
                        .unwrap_or_else(|| subscription.metadata.clone()),
                    ..subscription.clone()
                };
                Some(self.draft(
                    &changed,
                    BillingReason::SubscriptionUpdate,
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
                if new.restart {
                    subscription.recurring = recurring;
                    if subscription.status != Status::Trialing {
                        subscription.billing_cycle_anchor = at;
                        subscription.period = period::first(at, recurring);
                    }
                }
                if invoice.is_some() {
                    subscription.latest_invoice.clone_from(&invoice);
                    subscription.pending_lines.clear();
                } else if subscription.status != Status::Trialing {
                    subscription.pending_lines.extend(new.lines);
                }
            }
            apply(subscription, change, at);
        });
        if let Some(invoice) = invoice {
            self.emit_invoice("invoice.created", &invoice);
            let collected = self.finalize(&invoice, true, false)?;
            if let (true, Collected::Failed(decline)) = (error_if_incomplete, &collected) {
                return Err(Failure::card(
                    &decline.code,
                    decline.decline_code.as_deref(),
                    &decline.message,
                ));
            }
        }
        if trial == Some(TrialChange::EndNow) && subscription.status == Status::Trialing {
            self.trial_notice(id);
            if let Some(invoice) = self.end_trial(id)? {
                self.finalize(&invoice, true, false)?;
            }
        }
        Ok(())
    }

    fn new_items(
        &mut self,
        subscription: &Subscription,
        change: &SubscriptionChange,
        at: i64,
    ) -> Result<Option<NewItems>, Failure> {
        if change.items.is_empty() {
            return Ok(None);
        }
        let mut items = subscription.items.clone();
        for (index, wanted) in change.items.iter().enumerate() {
            let item = match &wanted.id {
                Some(id) => items.iter_mut().find(|item| item.id == *id),
                None if items.len() == 1 => items.first_mut(),
                None => None,
            };
            let Some(item) = item else {
                return Err(Failure::parameter(
                    format!("items[{index}][id]"),
                    "stripe-local changes the items that a subscription has: name one of them by its id.",
                ));
            };
            if let Some(price) = &wanted.price {
                item.price.clone_from(price);
            }
            item.quantity = wanted.quantity.unwrap_or(item.quantity);
            if let Some(metadata) = &wanted.metadata {
                item.metadata.clone_from(metadata);
            }
        }
        let (recurring, currency) = self.common_terms(items.iter().map(|item| item.price.as_str()))?;
        if currency != subscription.currency {
            return Err(Failure::invalid("The currency of a subscription cannot change."));
        }
        let restart = recurring != subscription.recurring;
        let mut lines = Vec::new();
        if subscription.status != Status::Trialing {
            if change.proration != Proration::None {
                lines.extend(self.shares(subscription, &subscription.items, at, -1));
            }
            if restart {
                lines.extend(self.period_lines(&items, period::first(at, recurring), false));
            } else if change.proration != Proration::None {
                lines.extend(self.shares(subscription, &items, at, 1));
            }
        }
        Ok(Some(NewItems {
            items,
            lines,
            restart,
        }))
    }

    /// Lines of the rest of the period: given back (`sign` −1) or owed (1).
    pub(super) fn shares(
        &mut self,
        subscription: &Subscription,
        items: &[Item],
        at: i64,
        sign: i64,
    ) -> Vec<Line> {
        let mut period = subscription.period;
        period.start = at.clamp(period.start, period.end);
        items
            .iter()
            .filter_map(|item| {
                let price = self.world.get::<Price>(&item.price)?.clone();
                let amount = remaining(price.unit_amount * item.quantity, subscription.period, at) * sign;
                let name = self.product_name(&price);
                let what = if sign < 0 { "Unused" } else { "Remaining" };
                Some(self.line(
                    item,
                    &price,
                    amount,
                    format!("{what} time on {name}"),
                    period,
                    true,
                ))
            })
            .collect()
    }
}

/// Everything but the items.
fn apply(subscription: &mut Subscription, change: SubscriptionChange, at: i64) {
    if let Some(metadata) = change.metadata {
        subscription.metadata = metadata;
    }
    if let Some(description) = change.description {
        description.apply(&mut subscription.description);
    }
    if let Some(method) = change.default_payment_method {
        method.apply(&mut subscription.default_payment_method);
    }
    if let Some(missing) = change.missing_payment_method {
        subscription.missing_payment_method = missing;
    }
    match change.trial {
        Some(TrialChange::EndAt(end)) => {
            let start = subscription.trial.map_or(at, |trial| trial.start);
            let trial = crate::world::Period { start, end };
            subscription.trial = Some(trial);
            subscription.period = trial;
            subscription.billing_cycle_anchor = end;
            subscription.trial_notice_sent = false;
            subscription.status = Status::Trialing;
        }
        Some(TrialChange::EndNow) => {
            if let Some(trial) = &mut subscription.trial {
                trial.end = trial.end.min(at);
            }
        }
        None => {}
    }
    let planned = subscription.ends_at();
    match (change.cancel_at_period_end, change.cancel_at) {
        (Some(true), _) => {
            let asked_in = if change.in_portal {
                AskedIn::Portal
            } else {
                AskedIn::Api
            };
            let (cancel_at, flag) =
                lifecycle::scheduled_end(asked_in, subscription.billing_mode, subscription.period.end);
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
    match (planned, subscription.ends_at()) {
        (None, Some(_)) => {
            subscription.canceled_at = Some(at);
            subscription.cancellation.reason = Some("cancellation_requested".to_owned());
        }
        (Some(_), None) => {
            subscription.canceled_at = None;
            subscription.cancellation = Cancellation::default();
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
