//! Simulates a subscription: changes its objects and records the webhooks, for tests of whole scenarios.

use super::*;

/// One webhook, and what the worker would fetch directly after it.
#[derive(Clone, Debug)]
pub(super) struct RecordedWebhook {
    pub(super) webhook: Value,
    pub(super) input: InputJson,
}

/// A simulated subscription. Every change takes a minute.
pub(super) struct Simulation {
    second: i64,
    subscription: Value,
    paid: Vec<Value>,
    visits: Vec<PortalVisit>,
    steps: Vec<RecordedWebhook>,
    /// Cents that were paid, less refunds.
    pub(super) paid_cents: i64,
}

impl Simulation {
    /// A trial through Checkout, a minute after the click.
    pub(super) fn on_trial() -> Self {
        let mut simulation = Self::begin(trial());
        simulation.emit(
            "customer.subscription.created",
            simulation.subscription.clone(),
            None,
        );
        simulation.settle("in_0", "subscription_create", 0, 3);
        simulation.emit(
            "customer.subscription.trial_will_end",
            simulation.subscription.clone(),
            None,
        );
        simulation
    }

    pub(super) fn paid_at_once() -> Self {
        let mut simulation = Self::begin(subscription());
        simulation.emit(
            "customer.subscription.created",
            simulation.subscription.clone(),
            None,
        );
        simulation.settle("in_1", "subscription_create", 1200, 30);
        simulation
    }

    fn begin(subscription: Value) -> Self {
        let mut simulation = Self {
            second: START,
            subscription,
            paid: Vec::new(),
            visits: Vec::new(),
            steps: Vec::new(),
            paid_cents: 0,
        };
        simulation.subscription["metadata"] = json!(click_at(START).metadata());
        simulation.second += 60;
        simulation
    }

    pub(super) fn steps(self) -> Vec<RecordedWebhook> {
        let Self {
            mut steps, visits, ..
        } = self;
        let webhooks: Vec<Value> = steps.iter().map(|step| step.webhook.clone()).collect();
        for (index, step) in steps.iter_mut().enumerate() {
            step.input.received = webhooks[..=index].to_vec();
            // All visits, including later ones, which must not count.
            step.input.visits.clone_from(&visits);
        }
        steps
    }

    pub(super) fn wait(&mut self, days: i64) {
        self.second += days * DAY;
    }

    fn emit(&mut self, kind: &str, object: Value, previous: Option<Value>) {
        self.second += 60;
        let mut data = json!({"object": object});
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        self.steps.push(RecordedWebhook {
            webhook: json!({
                "id": format!("evt_{}", self.steps.len()),
                "object": "event",
                "type": kind,
                "created": self.second,
                "data": data,
            }),
            input: InputJson {
                refunded: kind.starts_with("refund").then(|| "in_1".to_owned()),
                ..InputJson::of(self.subscription.clone(), &self.paid)
            },
        });
    }

    pub(super) fn update(&mut self, changes: Value) {
        let row = change(&self.subscription, changes);
        self.subscription = row["data"]["object"].clone();
        let previous = row["data"]["previous_attributes"].clone();
        self.emit(
            "customer.subscription.updated",
            self.subscription.clone(),
            Some(previous),
        );
    }

    /// A click in the app, which writes its handoff in the request that makes the change.
    fn clicked(&self) -> Value {
        json!(click_at(self.second).replacement_metadata())
    }

    pub(super) fn cancel_in_app(&mut self) {
        let changes = json!({
            "cancel_at_period_end": true,
            "cancel_at": self.second + DAY,
            "canceled_at": self.second,
            "metadata": self.clicked(),
        });
        self.update(changes);
    }

    pub(super) fn resume_in_app(&mut self) {
        let changes = json!({
            "cancel_at_period_end": false,
            "cancel_at": null,
            "canceled_at": null,
            "metadata": self.clicked(),
        });
        self.update(changes);
    }

    pub(super) fn visit_portal(&mut self) {
        self.visits.push(visit_at(self.second));
    }

    pub(super) fn cancel_in_portal(&mut self, flexible: bool) {
        self.visit_portal();
        let changes = if flexible {
            json!({"cancel_at": self.second + DAY, "canceled_at": self.second})
        } else {
            json!({"cancel_at_period_end": true, "canceled_at": self.second})
        };
        self.update(changes);
    }

    pub(super) fn resume_in_portal(&mut self) {
        self.visit_portal();
        self.update(json!({"cancel_at_period_end": false, "cancel_at": null, "canceled_at": null}));
    }

    /// The trial ends with a card: active at once, and paid an hour later or never.
    pub(super) fn end_trial(&mut self) {
        self.update(json!({"status": "active", "latest_invoice": "in_1"}));
    }

    pub(super) fn settle(&mut self, id: &str, reason: &str, amount: i64, days: i64) {
        let mut paid = invoice_for(id, reason, amount, self.second, days);
        paid["parent"]["subscription_details"]["metadata"] = self.subscription["metadata"].clone();
        if self.subscription["status"] == "trialing" {
            paid["lines"]["data"][0]["period"] = json!({"start": START, "end": TRIAL_END});
        }
        self.paid_cents += amount;
        self.paid.push(paid.clone());
        self.emit("invoice.paid", paid.clone(), None);
        self.emit("invoice.payment_succeeded", paid, None);
    }

    pub(super) fn renew(&mut self, id: &str) {
        self.wait(30);
        self.update(json!({"latest_invoice": id, "items": items("month")}));
        self.settle(id, "subscription_cycle", 1200, 30);
    }

    pub(super) fn decline(&mut self, id: &str, attempt: u32) {
        let failed = with(
            invoice(id, "subscription_cycle", 0, self.second),
            json!({"status": "open", "amount_due": 1200, "attempt_count": attempt, "status_transitions": {}}),
        );
        self.emit("invoice.payment_failed", failed, None);
        if self.subscription["status"] == "active" {
            self.update(json!({"status": "past_due"}));
        }
        self.wait(3);
    }

    pub(super) fn recover(&mut self, id: &str) {
        self.settle(id, "subscription_cycle", 1200, 30);
        self.update(json!({"status": "active"}));
    }

    /// From monthly to yearly by a click.
    pub(super) fn go_yearly(&mut self) {
        let changes = json!({"items": items("year"), "metadata": self.clicked(), "latest_invoice": "in_y"});
        let on_trial = self.subscription["status"] == "trialing";
        self.update(changes);
        self.settle(
            "in_y",
            "subscription_update",
            if on_trial { 0 } else { 12_000 },
            365,
        );
    }

    pub(super) fn refund(&mut self, id: &str, amount: i64) -> Value {
        let made = with(refund(id, amount, "succeeded"), json!({"created": self.second}));
        self.paid_cents -= amount;
        self.emit("refund.created", made.clone(), None);
        self.emit("charge.refunded", json!({"object": "charge"}), None);
        made
    }

    pub(super) fn fail(&mut self, made: Value) {
        let failed = with(made, json!({"status": "failed"}));
        self.paid_cents += failed["amount"].as_i64().unwrap();
        let previous = Some(json!({"status": "succeeded"}));
        self.emit("refund.updated", failed.clone(), previous);
        self.emit("refund.failed", failed, None);
    }

    pub(super) fn end(&mut self) {
        self.subscription["status"] = json!("canceled");
        self.subscription["ended_at"] = json!(self.second);
        self.emit("customer.subscription.deleted", self.subscription.clone(), None);
    }
}
