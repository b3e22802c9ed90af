//! Runs all scenarios concurrently, day by day, against one stand-in.

use std::collections::BTreeMap;

use backend::billing::inbox::Received;
use serde_json::Value;
use tracking::PlanInterval::Month;

use super::super::environment::{Environment, Person, SECOND, click};
use super::super::stand_in::{GOOD_CARD, card, text};
use super::scenario::{SCENARIOS, Step};
use crate::support::{DAY, MINUTE};

pub struct Runner {
    pub env: Environment,
    /// One for each scenario.
    pub people: Vec<Person>,
    /// Refund IDs by scenario, newest last.
    refunds: BTreeMap<usize, Vec<String>>,
}

impl Runner {
    pub async fn new(env: Environment) -> Self {
        let mut people = Vec::new();
        for number in 0..SCENARIOS.len() {
            people.push(env.person(&format!("person-{number}@example.com")).await);
        }
        Self {
            env,
            people,
            refunds: BTreeMap::new(),
        }
    }

    /// Runs a day of all scenarios. Returns its webhooks in order, each already applied.
    pub async fn day(&mut self, day: u32) -> Vec<Value> {
        let mut webhooks = Vec::new();
        for (number, scenario) in SCENARIOS.iter().enumerate() {
            for (_, step) in scenario.steps.iter().filter(|(on, _)| *on == day) {
                self.run_step(number, *step).await;
                self.env.advance(MINUTE);
                webhooks.extend(self.apply().await);
            }
        }
        // In steps of half a day, so that some accounts are observed between the end of the trial and its payment.
        for _ in 0..2 {
            self.env.advance(DAY / 2);
            webhooks.extend(self.apply().await);
        }
        webhooks
    }

    /// Applies the new webhooks and returns those that are not ignored.
    async fn apply(&mut self) -> Vec<Value> {
        let mut webhooks = self.env.new_webhooks().await;
        let mut applied = 0;
        while let Some(webhook) = webhooks.get(applied) {
            if self.env.receive(webhook).await.unwrap() == Received::New {
                self.env.worker.drain().await.unwrap();
                applied += 1;
            } else {
                webhooks.remove(applied);
            }
        }
        webhooks
    }

    async fn run_step(&mut self, number: usize, step: Step) {
        let Self { env, people, .. } = self;
        let person = &people[number];
        let user = &person.user;
        let visitor = env.visitor(person);
        let billing = env.billing.clone();
        match step {
            Step::Start => {
                let page = env.start(person, Month).await;
                env.advance(20 * SECOND);
                env.stripe.complete_checkout(&page, None).await;
            }
            Step::StartPaying => {
                let page = env.start(person, Month).await;
                env.advance(20 * SECOND);
                env.stripe.complete_checkout(&page, Some(GOOD_CARD)).await;
            }
            Step::StartClassic => {
                env.start(person, Month).await;
                let customer = env.customer(person).await;
                let price = env
                    .stripe
                    .all("/v1/prices?lookup_keys[0]=seamline_pro_month")
                    .await;
                let form = [
                    ("customer", customer.as_str()),
                    ("items[0][price]", text(&price[0], "id")),
                    ("trial_period_days", "3"),
                    ("billing_mode[type]", "classic"),
                ];
                env.stripe.post("/v1/subscriptions", &form).await;
            }
            Step::Cancel => billing.cancel(user, click(), &visitor).await.unwrap(),
            Step::Resume => billing.resume(user, click(), &visitor).await.unwrap(),
            Step::Yearly => billing.change_to_yearly(user, click(), &visitor).await.unwrap(),
            Step::Card(number) => {
                let page = billing.open_portal(user, click(), true, &visitor).await.unwrap();
                env.advance(20 * SECOND);
                env.stripe.submit(&page, "/card", &card(number)).await;
            }
            Step::CancelInPortal | Step::ResumeInPortal => {
                let page = billing.open_portal(user, click(), false, &visitor).await.unwrap();
                env.advance(20 * SECOND);
                let button = if matches!(step, Step::CancelInPortal) {
                    "cancel"
                } else {
                    "renew"
                };
                let path = format!("/{button}/{}", env.subscription_id(person).await);
                env.stripe.submit(&page, &path, &[]).await;
            }
            Step::Refund(amount) => {
                let customer = env.customer(person).await;
                let refund = env.stripe.refund(&customer, amount).await;
                self.refunds.entry(number).or_default().push(refund);
            }
            Step::RefundFails => {
                let refund = self.refunds[&number].last().unwrap();
                env.stripe.fail_refund(refund).await;
            }
        }
    }
}
