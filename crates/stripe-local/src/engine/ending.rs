//! What time does to a subscription: notices, the end of a trial, renewals, the end.

use super::Work;
use crate::{
    billing::{
        difference::previous_attributes,
        lifecycle::{self, TrialEnd},
        period,
        schedule::Step,
    },
    failure::Failure,
    form::Patch,
    render,
    world::{
        BillingReason, Invoice, InvoicePayment, InvoiceStatus, PauseReason, PaymentIntent, PaymentStatus,
        Period, Status, Subscription,
    },
};

impl Work<'_> {
    /// Carries out what is due for a subscription or an invoice.
    pub(crate) fn perform(&mut self, step: Step, id: &str) -> Result<(), Failure> {
        match step {
            Step::TrialNotice => self.trial_notice(id),
            Step::UpcomingNotice => self.upcoming_notice(id),
            Step::Cancel => self.end(id, None),
            Step::TrialEnd => {
                self.end_trial(id)?;
            }
            Step::Renew => self.renew(id),
            Step::ExpireIncomplete => self.expire_incomplete(id),
            Step::Finalize => {
                self.finalize(id, true, false)?;
            }
            Step::Collect => {
                self.collect(id, None, false)?;
            }
        }
        Ok(())
    }

    pub(crate) fn trial_notice(&mut self, id: &str) {
        let Some(mut subscription) = self.world.get::<Subscription>(id).cloned() else {
            return;
        };
        subscription.trial_notice_sent = true;
        let object = render::subscription(self.world, &subscription);
        self.world.put(subscription);
        self.emit("customer.subscription.trial_will_end", object, None);
    }

    fn upcoming_notice(&mut self, id: &str) {
        let Some(mut subscription) = self.world.get::<Subscription>(id).cloned() else {
            return;
        };
        subscription.upcoming_sent_for = Some(subscription.period.end);
        self.world.put(subscription.clone());
        let object = self.upcoming(&subscription);
        self.emit("invoice.upcoming", object, None);
    }

    /// Ends a trial and answers the first invoice's ID, if there is one.
    pub(crate) fn end_trial(&mut self, id: &str) -> Result<Option<String>, Failure> {
        let subscription = self.find::<Subscription>("subscription", id, "id")?;
        let has_card = self.payment_method_of(&subscription).is_some();
        match lifecycle::at_trial_end(has_card, subscription.missing_payment_method) {
            TrialEnd::Bill => {
                let start = self.next_second(&subscription);
                let start = subscription.trial.map_or(start, |trial| trial.end.min(start));
                Ok(Some(self.bill_from(
                    &subscription,
                    start,
                    Status::Active,
                    BillingReason::SubscriptionCycle,
                )))
            }
            TrialEnd::Cancel => {
                self.end(id, None);
                Ok(None)
            }
            TrialEnd::Pause => {
                self.set_aside(id, PauseReason::TrialEndWithoutPaymentMethod, Vec::new());
                Ok(None)
            }
        }
    }

    /// Starts billing at `start` with a whole period and a draft of its invoice.
    pub(crate) fn bill_from(
        &mut self,
        subscription: &Subscription,
        start: i64,
        status: Status,
        reason: BillingReason,
    ) -> String {
        let first = period::first(start, subscription.recurring);
        let lines = self.period_lines(&subscription.items, first, false);
        let invoice = self.draft(subscription, reason, lines, subscription.period);
        self.change_subscription(&subscription.id, |subscription, _| {
            subscription.status = status;
            subscription.billing_cycle_anchor = start;
            subscription.period = first;
            subscription.latest_invoice = Some(invoice.clone());
            subscription.pending_lines.clear();
        });
        self.emit_invoice("invoice.created", &invoice);
        invoice
    }

    fn renew(&mut self, id: &str) {
        let Some(subscription) = self.world.get::<Subscription>(id).cloned() else {
            return;
        };
        let start = subscription.period.end;
        let next = Period {
            start,
            end: period::end_after(subscription.billing_cycle_anchor, subscription.recurring, start),
        };
        let lines = self.period_lines(&subscription.items, next, false);
        let invoice = self.draft(
            &subscription,
            BillingReason::SubscriptionCycle,
            lines,
            subscription.period,
        );
        if subscription.status == Status::Unpaid {
            // Stripe goes on drafting, and leaves the drafts alone.
            self.write_invoice(&invoice, |invoice| {
                invoice.auto_advance = false;
                invoice.finalizes_at = None;
            });
        }
        self.change_subscription(id, |subscription, _| {
            subscription.period = next;
            subscription.latest_invoice = Some(invoice.clone());
            subscription.pending_lines.clear();
        });
        self.emit_invoice("invoice.created", &invoice);
    }

    /// Ends a subscription because someone asks for it, with what they said.
    pub(crate) fn cancel_now(
        &mut self,
        id: &str,
        comment: Option<Patch<String>>,
        feedback: Option<Patch<String>>,
    ) {
        if let Some(mut subscription) = self.world.get::<Subscription>(id).cloned() {
            if let Some(comment) = comment {
                comment.apply(&mut subscription.cancellation.comment);
            }
            if let Some(feedback) = feedback {
                feedback.apply(&mut subscription.cancellation.feedback);
            }
            self.world.put(subscription);
        }
        self.end(id, Some("cancellation_requested"));
    }

    /// Ends a subscription now. `reason` is `None` when the cause is already written on it, or unsaid.
    pub(crate) fn end(&mut self, id: &str, reason: Option<&str>) {
        let change = self.write_subscription(id, |subscription, at| {
            // An end that was planned happens at its own second.
            let ended = subscription
                .ends_at()
                .filter(|planned| *planned <= at)
                .unwrap_or(at);
            subscription.status = Status::Canceled;
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

    /// Nobody asks for the money of a subscription that is over.
    fn stop_collecting(&mut self, subscription: &str) {
        let open: Vec<String> = self
            .world
            .all::<Invoice>()
            .filter(|invoice| invoice.subscription == subscription && invoice.auto_advance)
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
            subscription.status = Status::IncompleteExpired;
            subscription.ended_at = Some(at);
        });
        let invoice = self
            .world
            .get::<Subscription>(id)
            .and_then(|subscription| subscription.latest_invoice.clone());
        if let Some(invoice) = invoice {
            self.void(&invoice);
        }
    }

    /// Makes an open or draft invoice void, with its payment.
    pub(crate) fn void(&mut self, id: &str) {
        let Some(invoice) = self.world.get::<Invoice>(id).cloned() else {
            return;
        };
        let now = self.now(invoice.test_clock.as_deref());
        self.write_invoice(id, |invoice| {
            invoice.status = InvoiceStatus::Void;
            invoice.voided_at = Some(now);
            invoice.auto_advance = false;
            invoice.next_attempt = None;
            invoice.finalizes_at = None;
        });
        let payment = self
            .world
            .all::<InvoicePayment>()
            .find(|payment| payment.invoice == id)
            .cloned();
        if let Some(mut payment) = payment {
            payment.status = "canceled".to_owned();
            payment.canceled_at = Some(now);
            if let Some(mut intent) = self.world.get::<PaymentIntent>(&payment.payment_intent).cloned() {
                intent.status = PaymentStatus::Canceled;
                let object = render::payment_intent(self.world, &intent);
                self.world.put(intent);
                self.emit("payment_intent.canceled", object, None);
            }
            self.world.put(payment);
        }
        self.emit_invoice("invoice.voided", id);
    }
}
