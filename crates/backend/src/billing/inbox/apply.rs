//! Applies the due webhooks of one customer together: decides what each needs, fetches Stripe's current state once, then
//! writes all events and records in one transaction, which settles them. The webhooks after one that is to be retried are
//! left to a later claim, so that the customer's webhooks are applied in order.

use queue::{LaneLease, NextRowState, QueuedRow};
use tracing::Instrument;
use tracking::UserId;
use tracking::causes::cause_names;

use super::customer_state::{ApplyContext, CustomerState};
use super::fetch::{StripeSnapshot, fetch};
use super::ownership::{NamedCustomer, NotOursReason};
use super::retry::{ApplyError, PAYMENT_ATTEMPTS};
use super::store::{self as inbox, APPLIED, INBOX, PendingWebhook};
use super::worker::{InboxReport, NextClaim, after_failure};
use crate::accounts::is_tracked_at;
use crate::billing::billing_mail::billing_mail;
use crate::billing::event_time::after_causes;
use crate::billing::handoff::causing_times_ms;
use crate::billing::mapping::{Reversal, Subject, invoice_of, subject};
use crate::billing::payload::{StripeEvent, Subscription};
use crate::billing::plan::{PlanProduct, account_status, second_subscriptions};
use crate::billing::store::{self, CustomerOwner, SubscriptionRole};
use crate::billing::{Billing, BillingError};
use crate::mail;

/// What a webhook needs.
pub(super) enum Step {
    /// Its effects, with Stripe's state.
    Apply(ApplyContext),
    /// Nothing: its account is deleted, or it gives no effect.
    Settle,
    /// It is deleted and counted, unless this payment, which it names instead of a customer, has been recorded meanwhile.
    Drop {
        reason: NotOursReason,
        payment: Option<String>,
    },
    /// It belongs to the lane of this customer, which the payload does not name.
    Move(String),
    Fail(ApplyError),
}

/// What a webhook has added to the outbox.
#[derive(Default)]
struct NewEvents {
    count: usize,
    /// What remains to be written for them in the same transaction.
    writes: Vec<db::Statement>,
}

/// Drops a webhook. It may still turn out to be about a payment if it names no customer.
fn drop_unless_paid(reason: NotOursReason, event: &StripeEvent) -> Step {
    let payment = match event.customer() {
        Some(_) => None,
        None => event.payment_intent().map(str::to_owned),
    };
    Step::Drop { reason, payment }
}

impl Billing {
    /// Applies the webhooks of one lane. Fails if Stripe or the database fails; then nothing is changed. If another worker
    /// has claimed the lane since, it changes nothing either. Otherwise it makes the `next` claim.
    pub(super) async fn apply(
        &self,
        lease: &LaneLease,
        webhooks: &[QueuedRow<PendingWebhook>],
        next: &mut NextClaim<'_>,
    ) -> Result<InboxReport, ApplyError> {
        let lane = webhooks.first().map_or("", |first| lease.lane_of(first));
        let owner = store::customer(self.db.pool(), lane).await?;
        let product = match owner {
            Some(CustomerOwner::Account(_)) => self.known_plan_product().await?,
            _ => self.read_plan_product().unwrap_or_default(),
        };
        let mut steps = Vec::new();
        for webhook in webhooks {
            let step = self.step(webhook, owner.as_ref(), &product).await;
            steps.push((webhook, step.unwrap_or_else(Step::Fail)));
        }
        let to_fetch: Vec<_> = steps
            .iter()
            .filter_map(|(_, step)| match step {
                Step::Apply(context) if !matches!(context.subject, Subject::DeletedCustomer(_)) => {
                    Some((&context.event, &context.subject))
                }
                _ => None,
            })
            .collect();
        let was_known = owner.is_some();
        let customer = match (owner, to_fetch.is_empty()) {
            (Some(CustomerOwner::Account(account)), false) => {
                let snapshot = fetch(&self.stripe, lane, &to_fetch, &product).await?;
                let state = self.customer_state(lane, account, product, snapshot, &mut steps);
                Some(state.await?)
            }
            _ => None,
        };
        self.commit(lease, lane, steps, customer.as_ref(), was_known, next)
            .await
    }

    /// The product that is the plan, or none while the Stripe account has no catalog.
    async fn known_plan_product(&self) -> Result<PlanProduct, ApplyError> {
        match self.plan_product().await {
            Ok(product) => Ok(product),
            Err(BillingError::Stripe(error)) => Err(error.into()),
            Err(BillingError::Database(error)) => Err(error.into()),
            Err(_) => Ok(PlanProduct::default()),
        }
    }

    /// Decides what the webhook needs. Nothing is fetched for a webhook that is not ours.
    async fn step(
        &self,
        webhook: &QueuedRow<PendingWebhook>,
        owner: Option<&CustomerOwner>,
        product: &PlanProduct,
    ) -> Result<Step, ApplyError> {
        let event = match self.parsed.take(&webhook.job.event_id) {
            Some(event) => event,
            None => StripeEvent::parse(&webhook.job.payload)?,
        };
        let Some(subject) = subject(&event)? else {
            return Ok(Step::Settle);
        };
        let customer = match (owner, event.customer()) {
            (Some(CustomerOwner::Deleted), _) => return Ok(Step::Settle),
            (Some(CustomerOwner::Account(_)), _) => NamedCustomer::Ours,
            (None, Some(_)) => NamedCustomer::Unknown,
            (None, None) => NamedCustomer::None,
        };
        let mut reason = self.why_not_ours(&event, customer, Some(product)).await?;
        // Only the product's ID can still make it ours.
        if reason.is_some() && customer == NamedCustomer::Unknown && product.id.is_none() {
            let product = self.known_plan_product().await?;
            reason = self.why_not_ours(&event, customer, Some(&product)).await?;
        }
        if let Some(reason) = reason {
            return Ok(drop_unless_paid(reason, &event));
        }
        match customer {
            NamedCustomer::Ours => {}
            NamedCustomer::Unknown => return Err(ApplyError::UnknownCustomer),
            NamedCustomer::None => return self.find_customer(&event, webhook.attempts).await,
        }
        Ok(Step::Apply(ApplyContext {
            event,
            subject,
            related: Vec::new(),
        }))
    }

    /// Finds the customer of a payment. Stripe is asked only about payments of invoices that were recorded without their
    /// payments. A dispute of another product is therefore not fetched: its payment stays unknown.
    async fn find_customer(&self, event: &StripeEvent, attempts: i64) -> Result<Step, ApplyError> {
        if let Some(customer) = self.customer_of(event).await? {
            return Ok(Step::Move(customer));
        }
        if let Some(payment) = event.payment_intent()
            && inbox::has_unread_payments(self.db.pool()).await?
            && let Some(customer) = self.stripe.customer_of_payment(payment).await?
            && store::customer(self.db.pool(), &customer).await?.is_some()
        {
            return Ok(Step::Move(customer));
        }
        match attempts < PAYMENT_ATTEMPTS {
            true => Err(ApplyError::UnknownPayment),
            false => Ok(drop_unless_paid(NotOursReason::UnknownCustomer, event)),
        }
    }

    /// Reads what the events of the customer's webhooks depend on besides Stripe's state, and completes the steps.
    async fn customer_state(
        &self,
        customer: &str,
        account: UserId,
        product: PlanProduct,
        snapshot: StripeSnapshot,
        steps: &mut [(&QueuedRow<PendingWebhook>, Step)],
    ) -> Result<CustomerState, sqlx::Error> {
        let mut connection = self.db.pool().acquire().await?;
        let (mut first_ms, mut last_ms) = (i64::MAX, i64::MIN);
        for (_, step) in steps {
            let Step::Apply(context) = step else {
                continue;
            };
            if let Some(invoice) = invoice_of(&context.event) {
                context.related = inbox::webhooks_about(&mut connection, customer, invoice).await?;
            }
            let changed_ms = context.changed_at_ms();
            (first_ms, last_ms) = (first_ms.min(changed_ms), last_ms.max(changed_ms));
        }
        let (from_ms, to_ms) = causing_times_ms(first_ms, last_ms).into_inner();
        let clicks = store::clicks(&mut connection, account, from_ms, to_ms).await?;
        Ok(CustomerState {
            customer: customer.to_owned(),
            account,
            visits: store::portal_visits(&mut connection, account, from_ms, to_ms).await?,
            click_times: clicks
                .iter()
                .map(|(action, click)| (*action, click.at_ms))
                .collect(),
            clicks: clicks.into_iter().map(|(_, click)| click).collect(),
            known_subscriptions: store::subscription_ids(&mut connection, customer).await?,
            known_invoices: store::recorded_invoices(&mut connection, customer).await?,
            product,
            snapshot,
        })
    }

    /// Carries out the steps in one transaction. `was_known`: whether the lane's customer was known when they were decided. If
    /// it is known only now, nothing is changed, and the next claim decides again.
    pub(super) async fn commit(
        &self,
        lease: &LaneLease,
        lane: &str,
        steps: Vec<(&QueuedRow<PendingWebhook>, Step)>,
        state: Option<&CustomerState>,
        was_known: bool,
        next_claim: &mut NextClaim<'_>,
    ) -> Result<InboxReport, ApplyError> {
        let (now_ms, engine) = (self.clock.now_ms(), self.db.engine());
        let (mut report, mut has_moved) = (InboxReport::default(), false);
        let (mut updates, mut applied, mut attempted) = (Vec::new(), Vec::new(), Vec::new());
        let (mut dropped, mut writes) = (Vec::new(), Vec::new());
        let mut tx = self.db.write().await?;
        // Stripe's state may be older than what the worker that has the lane now has written.
        if !INBOX.holds(&mut tx, engine, lease).await? {
            tracing::warn!(lane, "the lease expired; another worker applies the webhooks");
            return Ok(report);
        }
        // A concurrent withdrawal of consent or deletion commits before the lock and is seen below, or commits after it and
        // parks the enqueued events.
        let owner = match state {
            Some(state) => Some(store::lock_account(&mut tx, state.account).await?),
            None => store::customer(&mut *tx, lane).await?,
        };
        if owner.is_some() && !was_known {
            INBOX.settle_held(&mut tx, lease, &[], now_ms).await?;
            tx.commit().await?;
            return Ok(report);
        }
        let mut elsewhere = Vec::new();
        if let (Some(state), Some(CustomerOwner::Account(_))) = (state, &owner) {
            elsewhere = self.write_state(&mut tx, state, now_ms).await?;
        }
        for (webhook, step) in steps {
            let result = match (step, &owner) {
                (Step::Apply(_), Some(CustomerOwner::Deleted)) | (Step::Settle, _) => {
                    Ok(NewEvents::default())
                }
                (Step::Apply(context), Some(CustomerOwner::Account(account))) => {
                    self.apply_one(&mut tx, &context, *account, state, &elsewhere, now_ms)
                        .await?
                }
                (Step::Apply(_), None) => Err(ApplyError::UnknownCustomer),
                (Step::Fail(error), _) => Err(error),
                (Step::Move(customer), _) => {
                    inbox::change_lane(&mut tx, webhook.sequence, &webhook.job, &customer).await?;
                    has_moved = true;
                    continue;
                }
                (Step::Drop { reason, payment }, _) => {
                    if let Some(payment) = payment
                        && let Some(customer) = inbox::customer_of_payment(&mut *tx, &payment).await?
                    {
                        inbox::change_lane(&mut tx, webhook.sequence, &webhook.job, &customer).await?;
                        has_moved = true;
                    } else if inbox::delete(&mut tx, webhook.sequence).await? {
                        dropped.push((&webhook.job.event_type, reason));
                    }
                    continue;
                }
            };
            let next = match result {
                Ok(events) => {
                    if events.count > 0 {
                        writes.push(inbox::set_events(webhook.sequence, events.count));
                    }
                    writes.extend(events.writes);
                    report.events += events.count;
                    applied.push(webhook.sequence);
                    NextRowState::Done(APPLIED)
                }
                Err(error) => after_failure(webhook, &error, now_ms),
            };
            report.count(&next);
            attempted.push((webhook, next.clone()));
            updates.push(webhook.update(next));
            if report.retried > 0 {
                break;
            }
        }
        db::execute_all(&mut tx, writes).await?;
        INBOX.settle_held(&mut tx, lease, &updates, now_ms).await?;
        if matches!(owner, Some(CustomerOwner::Deleted)) {
            db::execute_all(&mut tx, applied.into_iter().map(inbox::delete_payload)).await?;
        }
        // In the order of all writers of these counts, which otherwise could wait for each other.
        dropped.sort_unstable();
        for (event_type, reason) in dropped {
            inbox::count_not_ours(&mut tx, event_type, reason, 1, now_ms).await?;
        }
        // The transaction may have taken long: the next lease begins now.
        let claim = next_claim
            .claim_next(&mut tx, engine, self.clock.now_ms())
            .await?;
        tx.commit().await?;
        next_claim.claim = claim;
        for (webhook, next) in &attempted {
            self.observer.attempted(&webhook.job, next, now_ms);
        }
        if has_moved {
            self.arrived.wake();
        }
        if report.events > 0 {
            self.wakeup.wake();
        }
        if let (1.., Some(CustomerOwner::Account(account))) = (report.applied, &owner) {
            self.revisions.changed(&account.to_string());
        }
        Ok(report)
    }

    /// Writes our copy of the customer's state. Returns the running subscriptions of the account's other customers, of which
    /// all but one are deleted.
    async fn write_state(
        &self,
        connection: &mut db::Connection,
        state: &CustomerState,
        now_ms: i64,
    ) -> Result<Vec<Subscription>, sqlx::Error> {
        let CustomerState {
            customer,
            account,
            product,
            snapshot,
            ..
        } = state;
        let elsewhere: Vec<Subscription> = store::subscriptions(&mut *connection, *account)
            .await?
            .into_iter()
            .filter(|stored| stored.grants_pro() && stored.subscription.customer != *customer)
            .map(|stored| stored.subscription)
            .collect();
        let account_type = account_status(snapshot.all().chain(&elsewhere), product).account_type();
        let mut writes = vec![store::set_account_type(*account, account_type)];
        let second: Vec<&str> = second_subscriptions(snapshot.all(), product)
            .into_iter()
            .map(|second| second.id.as_str())
            .collect();
        for fetched in &snapshot.subscriptions {
            let subscription = &fetched.subscription;
            if !state.is_ours(subscription) {
                continue;
            }
            let role = SubscriptionRole {
                is_plan: product.is_of(&subscription.terms),
                is_second: second.contains(&subscription.id.as_str()),
            };
            writes.push(store::upsert_subscription(
                &fetched.object,
                customer,
                role,
                now_ms,
            ));
            let paid = snapshot.paid_invoices(&subscription.id).iter();
            for paid in paid.filter(|paid| !state.is_recorded(&paid.invoice)) {
                let payments = paid.payment_intents.iter();
                writes.extend(payments.map(|payment| store::insert_payment(payment, customer)));
                writes.push(store::upsert_paid_invoice(
                    &paid.invoice,
                    customer,
                    &subscription.id,
                ));
            }
        }
        let duplicates = snapshot.duplicate_subscriptions.iter();
        writes.extend(duplicates.map(|subscription| store::mark_duplicate(subscription)));
        writes.push(store::touch_customer(customer, snapshot.has_card));
        db::execute_all(connection, writes).await?;
        Ok(elsewhere)
    }

    /// Writes the effects of one webhook, and its events to the outbox. The inner error is about this webhook only.
    async fn apply_one(
        &self,
        connection: &mut db::Connection,
        context: &ApplyContext,
        account: UserId,
        state: Option<&CustomerState>,
        elsewhere: &[Subscription],
        now_ms: i64,
    ) -> Result<Result<NewEvents, ApplyError>, sqlx::Error> {
        if let Subject::DeletedCustomer(customer) = &context.subject {
            self.record_deleted_customer(connection, account, customer)
                .await?;
            return Ok(Ok(NewEvents::default()));
        }
        let Some(state) = state else {
            return Ok(Err(ApplyError::UnknownCustomer));
        };
        let Some(target) = state.target(&context.subject) else {
            return Ok(Ok(NewEvents::default()));
        };
        let events = match state.events(context, &target, elsewhere) {
            Ok(events) => events,
            Err(error) => return Ok(Err(error)),
        };
        let paid = state.snapshot.paid_invoices(&target.subscription.id);
        let is_paid = |id: &str| paid.iter().any(|paid| paid.invoice.id == id);
        let has_card = state.snapshot.has_card == Some(true);
        match billing_mail(&context.event, target.subscription, has_card, is_paid) {
            Ok(None) => {}
            Ok(Some(mail)) => {
                mail::enqueue_once(connection, mail.kind, account, &mail.fact, &mail.detail, now_ms).await?;
            }
            Err(error) => return Ok(Err(error.into())),
        }
        match target.reversal {
            Some((Reversal::Refund(refund), invoice)) => {
                store::upsert_refund(connection, refund, &state.customer, invoice).await?;
            }
            Some((Reversal::Dispute(dispute), invoice)) => {
                store::upsert_dispute(connection, dispute, &state.customer, invoice).await?;
            }
            None => {}
        }
        // Without consent no event is enqueued. Payments are still recorded.
        let is_tracked = !events.is_empty()
            && is_tracked_at(connection, account, context.changed_at_ms(), self.consent_default).await?;
        let mut new_events = NewEvents::default();
        for event in events.into_iter().filter(|_| is_tracked) {
            let reported = store::reported_events(connection, account, &cause_names(event.name())).await?;
            let event = &after_causes(event, &state.click_times, &reported);
            let clicked_ms = event.context().and_then(|context| context.clicked_ms);
            let span = tracing::info_span!(
                "apply webhook",
                stripe.event = context.event.id,
                stripe.event_type = context.event.kind,
                event.name = event.name(),
            );
            if let Some(clicked_ms) = clicked_ms {
                let trace_parent = store::trace_parent_of(connection, account, clicked_ms).await?;
                queue::continue_trace(&span, trace_parent.as_deref());
            }
            let enqueued = outbox::enqueue(connection, event, now_ms).instrument(span);
            if enqueued.await? == outbox::Enqueued::New {
                new_events.count += 1;
            }
            // From here on the event's payload has the address.
            if let Some(clicked_ms) = clicked_ms {
                new_events.writes.push(store::forget_address(account, clicked_ms));
            }
        }
        Ok(Ok(new_events))
    }
}
