//! A subscription that lives: a small Stripe that moves its objects and tells of it, for tests of whole lives.

use super::*;

/// One webhook, with what the worker would fetch right after it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) webhook: Value,
    pub(super) known: Known,
}

/// A subscription's life so far. Every change takes a minute.
pub(super) struct Life {
    second: i64,
    subscription: Value,
    paid: Vec<Value>,
    visits: Vec<PortalVisit>,
    steps: Vec<Step>,
    /// Cents that moved to us.
    pub(super) moved: i64,
}

impl Life {
    /// Through Checkout, a minute after the click.
    pub(super) fn on_trial() -> Self {
        let mut life = Self::begin(trial());
        life.tell("customer.subscription.created", life.subscription.clone(), None);
        life.settle("in_0", "subscription_create", 0, 3);
        life.tell(
            "customer.subscription.trial_will_end",
            life.subscription.clone(),
            None,
        );
        life
    }

    pub(super) fn paid_at_once() -> Self {
        let mut life = Self::begin(subscription());
        life.tell("customer.subscription.created", life.subscription.clone(), None);
        life.settle("in_1", "subscription_create", 1200, 30);
        life
    }

    fn begin(subscription: Value) -> Self {
        let mut life = Self {
            second: START,
            subscription,
            paid: Vec::new(),
            visits: Vec::new(),
            steps: Vec::new(),
            moved: 0,
        };
        life.subscription["metadata"] = json!(click_at(START).metadata());
        life.second += 60;
        life
    }

    pub(super) fn steps(self) -> Vec<Step> {
        let Self {
            mut steps, visits, ..
        } = self;
        for step in &mut steps {
            // Rows of our own: all there when the first webhook is applied, or later; those to come do not count.
            step.known.visits.clone_from(&visits);
        }
        steps
    }

    pub(super) fn wait(&mut self, days: i64) {
        self.second += days * DAY;
    }

    fn tell(&mut self, kind: &str, object: Value, previous: Option<Value>) {
        self.second += 60;
        let mut data = json!({"object": object});
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        self.steps.push(Step {
            webhook: json!({
                "id": format!("evt_{}", self.steps.len()),
                "object": "event",
                "type": kind,
                "created": self.second,
                "data": data,
            }),
            known: Known {
                refunded: kind.starts_with("refund").then(|| "in_1".to_owned()),
                ..Known::of(self.subscription.clone(), &self.paid)
            },
        });
    }

    pub(super) fn update(&mut self, changes: Value) {
        let row = change(&self.subscription, changes);
        self.subscription = row["data"]["object"].clone();
        let previous = row["data"]["previous_attributes"].clone();
        self.tell(
            "customer.subscription.updated",
            self.subscription.clone(),
            Some(previous),
        );
    }

    /// A click in the app, which writes its handoff in the call that makes the change.
    fn clicked(&self) -> Value {
        json!(click_at(self.second).metadata_over_older())
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

    /// The trial ends with a card on file: active at once, money an hour later or never.
    pub(super) fn end_trial(&mut self) {
        self.update(json!({"status": "active", "latest_invoice": "in_1"}));
    }

    pub(super) fn settle(&mut self, id: &str, reason: &str, amount: i64, days: i64) {
        let mut paid = invoice_for(id, reason, amount, self.second, days);
        paid["parent"]["subscription_details"]["metadata"] = self.subscription["metadata"].clone();
        self.moved += amount;
        self.paid.push(paid.clone());
        self.tell("invoice.paid", paid.clone(), None);
        self.tell("invoice.payment_succeeded", paid, None);
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
        self.tell("invoice.payment_failed", failed, None);
        if self.subscription["status"] == "active" {
            self.update(json!({"status": "past_due"}));
        }
        self.wait(3);
    }

    pub(super) fn recover(&mut self, id: &str) {
        self.settle(id, "subscription_cycle", 1200, 30);
        self.update(json!({"status": "active"}));
    }

    /// Month to year, on the click.
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
        self.moved -= amount;
        self.tell("refund.created", made.clone(), None);
        self.tell("charge.refunded", json!({"object": "charge"}), None);
        made
    }

    pub(super) fn fail(&mut self, made: Value) {
        let failed = with(made, json!({"status": "failed"}));
        self.moved += failed["amount"].as_i64().unwrap();
        let previous = Some(json!({"status": "succeeded"}));
        self.tell("refund.updated", failed.clone(), previous);
        self.tell("refund.failed", failed, None);
    }

    pub(super) fn end(&mut self) {
        self.subscription["status"] = json!("canceled");
        self.subscription["ended_at"] = json!(self.second);
        self.tell("customer.subscription.deleted", self.subscription.clone(), None);
    }
}
