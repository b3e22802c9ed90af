//! The end of a run: waits until webhooks and outbox are settled, collects the data of all users, and checks it.

use db::Db;
use tokio::time::{Instant, sleep};

use super::comparison::compare;
use super::timeline::{revenue_minor, timeline_of};
use super::violation::TrialViolation;
use super::{CHECK_INTERVAL, SETTLE_TIMEOUT, TrialsError, TrialsRun, store};
use crate::crash::{CrashFigures, Violation, checks};

impl TrialsRun {
    /// Waits until each Stripe event was applied and the outbox has no pending row. Returns the ID and type of
    /// each Stripe event.
    pub(super) async fn wait_until_settled(&mut self, db: &Db) -> Result<Vec<(String, String)>, TrialsError> {
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        loop {
            // Before the states are read: what was delivered is stored, or is not ours.
            let is_delivering = self.environment.dashboard.is_delivering().await?;
            let events = self.environment.dashboard.event_types().await?;
            let states = store::webhook_states(db).await?;
            let pending = states.values().filter(|state| *state == "pending").count();
            let webhooks = pending + usize::from(is_delivering);
            let counts = outbox::counts(db).await?;
            if webhooks == 0 && counts.pending == 0 {
                return Ok(events);
            }
            self.environment.check_running()?;
            if Instant::now() > deadline {
                return Err(TrialsError::Unsettled {
                    webhooks,
                    events: counts.pending,
                });
            }
            sleep(CHECK_INTERVAL).await;
        }
    }

    /// Returns all violations, and adds the counts of the result to the figures.
    pub(super) async fn find_violations(
        &mut self,
        db: &Db,
        stripe_events: &[(String, String)],
    ) -> Result<Vec<TrialViolation>, TrialsError> {
        let exported = self.environment.collector_client.exported().await?;
        let accepted = self.environment.collector_client.accepted().await?;
        let arrivals = self.environment.collector_client.arrivals().await?;
        let mut violations = Vec::new();
        let mut reference = None;
        for customer in &mut self.customers {
            let email = customer.email.clone();
            let Some(account) = self.environment.dashboard.account(&email).await? else {
                violations.push(TrialViolation::NoSingleSubscription { email });
                continue;
            };
            let roles = &mut customer.roles;
            roles.add("customer", &account.customer);
            roles.add("subscription", &account.subscription);
            roles.add("invoice", &account.invoice);
            if let Some(canceled_at_secs) = account.canceled_at_secs {
                roles.add("cancellation time", &canceled_at_secs.to_string());
            }
            for (id, event_type) in stripe_events {
                roles.add(event_type, id);
            }
            let timeline = timeline_of(&exported, roles);
            let revenue_minor = revenue_minor(&timeline);
            self.figures.revenue_minor += revenue_minor;
            if revenue_minor != account.paid_minor {
                violations.push(TrialViolation::Revenue {
                    email: email.clone(),
                    revenue_minor,
                    paid_minor: account.paid_minor,
                });
            }
            let reference = reference.get_or_insert_with(|| timeline.clone());
            violations.extend(compare(&email, &timeline, reference));
        }
        for (id, state) in store::webhook_states(db).await? {
            if state != "applied" {
                violations.push(TrialViolation::WebhookNotApplied { id, state });
            }
        }
        let parked = outbox::parked(db, i64::from(i32::MAX)).await?;
        let parked = parked.into_iter().map(|row| Violation::Parked {
            insert_id: row.insert_id,
            reason: row.parked_reason.unwrap_or_default(),
        });
        let panics = self.environment.app.panics().into_iter();
        let panicked = panics.map(|line| Violation::Panicked { line });
        let of_deliveries = checks::changed_arrivals(&arrivals)
            .into_iter()
            .chain(checks::off_plan(&accepted))
            .chain(parked)
            .chain(panicked);
        violations.extend(of_deliveries.map(TrialViolation::Delivery));

        let figures = &mut self.figures;
        figures.timeline = reference
            .unwrap_or_default()
            .into_iter()
            .map(|event| event.name)
            .collect();
        figures.users = self.customers.len();
        figures.posted_again = self.customers.iter().map(|customer| customer.reposts).sum();
        figures.stripe_events = stripe_events.len();
        figures.deliveries = CrashFigures::of_arrivals(&arrivals);
        Ok(violations)
    }
}
