//! Steps that are due on a clock: notices, trial end, renewal, cancellation, expiry.

use super::Operation;
use crate::{
    api_error::ApiError,
    billing::{
        lifecycle::{self, TrialEndAction},
        period,
        previous_attributes::previous_attributes,
        schedule::ScheduledStep,
    },
    form::Patch,
    records::{
        BillingPeriod, CollectionPause, InvoiceBillingReason, InvoicePaymentRecord, InvoiceRecord,
        InvoiceStatus, PauseReason, PaymentIntentRecord, PaymentStatus, StripeSubscriptionStatus,
        SubscriptionRecord,
    },
    render,
};

impl Operation<'_> {
    /// Runs a due step for a subscription or an invoice.
    pub(crate) fn run_step(&mut self, step: ScheduledStep, id: &str) -> Result<(), ApiError> {
        match step {
            ScheduledStep::TrialNotice => self.send_trial_notice(id),
            ScheduledStep::UpcomingNotice => self.send_upcoming_notice(id),
            ScheduledStep::Cancel => self.end_subscription(id, None),
            ScheduledStep::TrialEnd => {
                self.end_trial(id)?;
            }
            ScheduledStep::Renew => self.renew(id),
            ScheduledStep::ExpireIncomplete => self.expire_incomplete(id),
            ScheduledStep::Finalize => {
                self.finalize_invoice(id, true, false)?;
            }
            ScheduledStep::Collect => {
                self.collect_invoice(id, None, false)?;
            }
        }
        Ok(())
    }

    pub(crate) fn send_trial_notice(&mut self, id: &str) {
        let Some(mut subscription) = self.records.get::<SubscriptionRecord>(id).cloned() else {
            return;
        };
        subscription.trial_notice_sent = true;
        let object = render::subscription(self.records, &subscription);
        self.records.put(subscription);
        self.emit("customer.subscription.trial_will_end", object, None);
    }

    fn send_upcoming_notice(&mut self, id: &str) {
        let Some(mut subscription) = self.records.get::<SubscriptionRecord>(id).cloned() else {
            return;
        };
        subscription.upcoming_sent_for = Some(subscription.period.end);
        self.records.put(subscription.clone());
        let object = self.preview_renewal(&subscription);
        self.emit("invoice.upcoming", object, None);
    }

    /// Ends a trial. Returns the ID of the first paid invoice's draft, if there is one.
    pub(crate) fn end_trial(&mut self, id: &str) -> Result<Option<String>, ApiError> {
        let subscription = self.find::<SubscriptionRecord>("subscription", id, "id")?;
        let has_card = self.payment_method_of(&subscription).is_some();
        match lifecycle::trial_end_action(has_card, subscription.missing_payment_method) {
            TrialEndAction::Bill => {
                let start = self.next_change_at(&subscription);
                let start = subscription.trial.map_or(start, |trial| trial.end.min(start));
                Ok(Some(self.start_billing(
                    &subscription,
                    start,
                    StripeSubscriptionStatus::Active,
                    InvoiceBillingReason::SubscriptionCycle,
                )))
            }
            TrialEndAction::Cancel => {
                self.end_subscription(id, None);
                Ok(None)
            }
            TrialEndAction::Pause => {
                self.mark_paused(id, PauseReason::TrialEndWithoutPaymentMethod, Vec::new());
                Ok(None)
            }
        }
    }

    /// Starts billing at `start`, with a full period and a draft invoice. Returns the invoice's ID.
    pub(crate) fn start_billing(
        &mut self,
        subscription: &SubscriptionRecord,
        start: i64,
        status: StripeSubscriptionStatus,
        reason: InvoiceBillingReason,
    ) -> String {
        let first = period::first_period(start, subscription.recurring);
        let lines = self.period_lines(&subscription.items, first, false);
        let invoice = self.create_draft(subscription, reason, lines, subscription.period);
        self.change_subscription(&subscription.id, |subscription, _| {
            subscription.status = status;
            subscription.billing_cycle_anchor = start;
            subscription.period = first;
            subscription.latest_invoice = Some(invoice.clone());
            subscription.pending_lines.clear();
        });
        self.emit_invoice("invoice.created", &invoice);
        self.void_if_not_collected(subscription, &invoice);
        invoice
    }

    fn renew(&mut self, id: &str) {
        let Some(subscription) = self.records.get::<SubscriptionRecord>(id).cloned() else {
            return;
        };
        let start = subscription.period.end;
        let next = BillingPeriod {
            start,
            end: period::end_of_period(subscription.billing_cycle_anchor, subscription.recurring, start),
        };
        let lines = self.period_lines(&subscription.items, next, false);
        let invoice = self.create_draft(
            &subscription,
            InvoiceBillingReason::SubscriptionCycle,
            lines,
            subscription.period,
        );
        self.change_subscription(id, |subscription, _| {
            subscription.period = next;
            subscription.latest_invoice = Some(invoice.clone());
            subscription.pending_lines.clear();
        });
        self.emit_invoice("invoice.created", &invoice);
        self.void_if_not_collected(&subscription, &invoice);
    }

    fn void_if_not_collected(&mut self, subscription: &SubscriptionRecord, invoice: &str) {
        if subscription.collection_pause == Some(CollectionPause::Void) {
            self.void_invoice(invoice);
        }
    }

    /// Cancels a subscription immediately, with the comment and feedback of the caller.
    pub(crate) fn cancel_now(
        &mut self,
        id: &str,
        comment: Option<Patch<String>>,
        feedback: Option<Patch<String>>,
    ) {
        if let Some(mut subscription) = self.records.get::<SubscriptionRecord>(id).cloned() {
            if let Some(comment) = comment {
                comment.apply(&mut subscription.cancellation.comment);
            }
            if let Some(feedback) = feedback {
                feedback.apply(&mut subscription.cancellation.feedback);
            }
            self.records.put(subscription);
        }
        self.end_subscription(id, Some("cancellation_requested"));
    }

    /// Cancels a subscription now. Without `reason`, the stored cancellation reason is kept.
    pub(crate) fn end_subscription(&mut self, id: &str, reason: Option<&str>) {
        let change = self.write_subscription(id, |subscription, at| {
            // A scheduled cancellation takes effect at its own time.
            let ended = subscription
                .ends_at()
                .filter(|scheduled| *scheduled <= at)
                .unwrap_or(at);
            subscription.status = StripeSubscriptionStatus::Canceled;
            subscription.pause = None;
            subscription.ended_at = Some(ended);
            subscription.canceled_at.get_or_insert(at);
            if let Some(reason) = reason {
                subscription.cancellation.reason = Some(reason.to_owned());
            }
        });
        if let Some((_, after)) = change {
            self.emit("customer.subscription.deleted", after, None);
        }
        self.stop_collecting(id);
    }

    /// Stops the collection of a canceled subscription's invoices.
    fn stop_collecting(&mut self, subscription: &str) {
        let open: Vec<String> = self
            .records
            .children::<InvoiceRecord>(subscription)
            .filter(|invoice| invoice.auto_advance)
            .map(|invoice| invoice.id.clone())
            .collect();
        for id in open {
            let change = self.write_invoice(&id, |invoice| {
                invoice.auto_advance = false;
                invoice.finalizes_at = None;
                invoice.next_attempt = None;
            });
            if let Some((before, after)) = change
                && let Some(previous) = previous_attributes(&before, &after)
            {
                self.emit("invoice.updated", after, Some(previous));
            }
        }
    }

    fn expire_incomplete(&mut self, id: &str) {
        self.change_subscription(id, |subscription, at| {
            subscription.status = StripeSubscriptionStatus::IncompleteExpired;
            subscription.ended_at = Some(at);
        });
        let invoice = self
            .records
            .get::<SubscriptionRecord>(id)
            .and_then(|subscription| subscription.latest_invoice.clone());
        if let Some(invoice) = invoice {
            self.void_invoice(&invoice);
        }
    }

    /// Voids an open or draft invoice and cancels its payment.
    pub(crate) fn void_invoice(&mut self, id: &str) {
        let Some(invoice) = self.records.get::<InvoiceRecord>(id).cloned() else {
            return;
        };
        let now = self.now_secs(invoice.test_clock.as_deref());
        self.write_invoice(id, |invoice| {
            invoice.status = InvoiceStatus::Void;
            invoice.voided_at = Some(now);
            invoice.auto_advance = false;
            invoice.next_attempt = None;
            invoice.finalizes_at = None;
        });
        let payment = self.records.children::<InvoicePaymentRecord>(id).next().cloned();
        if let Some(mut payment) = payment {
            payment.status = "canceled".to_owned();
            payment.canceled_at = Some(now);
            if let Some(mut intent) = self
                .records
                .get::<PaymentIntentRecord>(&payment.payment_intent)
                .cloned()
            {
                intent.status = PaymentStatus::Canceled;
                let object = render::payment_intent(self.records, &intent);
                self.records.put(intent);
                self.emit("payment_intent.canceled", object, None);
            }
            self.records.put(payment);
        }
        self.emit_invoice("invoice.voided", id);
    }
}
