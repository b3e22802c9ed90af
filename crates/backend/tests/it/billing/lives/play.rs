//! Everybody lives at once, day by day, against one stand-in.

use std::collections::BTreeMap;

use backend::billing::inbox::Received;
use serde_json::Value;
use tracking::Interval::Month;

use super::super::stage::{Person, SECOND, Stage, click};
use super::super::stand_in::{GOOD_CARD, card, text};
use super::life::{Act, LIVES};
use crate::support::{DAY, MINUTE};

pub struct Play {
    pub stage: Stage,
    /// One for each life.
    pub people: Vec<Person>,
    /// Refunds of each, newest last.
    refunds: BTreeMap<usize, Vec<String>>,
}

impl Play {
    pub async fn new(stage: Stage) -> Self {
        let mut people = Vec::new();
        for number in 0..LIVES.len() {
            people.push(stage.person(&format!("person-{number}@example.com")).await);
        }
        Self {
            stage,
            people,
            refunds: BTreeMap::new(),
        }
    }

    /// A day of everybody's; all webhooks of it, in order, each applied when it came.
    pub async fn day(&mut self, day: u32) -> Vec<Value> {
        let mut webhooks = Vec::new();
        for (number, life) in LIVES.iter().enumerate() {
            for (_, act) in life.acts.iter().filter(|(on, _)| *on == day) {
                self.act(number, *act).await;
                self.stage.pass(MINUTE);
                webhooks.extend(self.apply().await);
            }
        }
        // Half a day at a time: the hour between the end of a trial and its payment is seen by some.
        for _ in 0..2 {
            self.stage.pass(DAY / 2);
            webhooks.extend(self.apply().await);
        }
        webhooks
    }

    /// Answers those of which anything can come.
    async fn apply(&mut self) -> Vec<Value> {
        let mut news = self.stage.news().await;
        let mut applied = 0;
        while let Some(webhook) = news.get(applied) {
            if self.stage.receive(webhook).await.unwrap() == Received::New {
                self.stage.worker.drain().await.unwrap();
                applied += 1;
            } else {
                news.remove(applied);
            }
        }
        news
    }

    async fn act(&mut self, number: usize, act: Act) {
        let Self { stage, people, .. } = self;
        let person = &people[number];
        let user = &person.user;
        let visitor = stage.visitor(person);
        let billing = stage.billing.clone();
        match act {
            Act::Start => {
                let page = stage.start(person, Month).await;
                stage.pass(20 * SECOND);
                stage.stripe.complete_checkout(&page, None).await;
            }
            Act::StartPaying => {
                let page = stage.start(person, Month).await;
                stage.pass(20 * SECOND);
                stage.stripe.complete_checkout(&page, Some(GOOD_CARD)).await;
            }
            Act::StartClassic => {
                stage.start(person, Month).await;
                let customer = stage.customer(person).await;
                let price = stage
                    .stripe
                    .all("/v1/prices?lookup_keys[0]=seamline_pro_month")
                    .await;
                let form = [
                    ("customer", customer.as_str()),
                    ("items[0][price]", text(&price[0], "id")),
                    ("trial_period_days", "3"),
                    ("billing_mode[type]", "classic"),
                ];
                stage.stripe.post("/v1/subscriptions", &form).await;
            }
            Act::Cancel => billing.cancel(user, click(), &visitor).await.unwrap(),
            Act::Resume => billing.resume(user, click(), &visitor).await.unwrap(),
            Act::Yearly => billing.change_to_yearly(user, click(), &visitor).await.unwrap(),
            Act::Card(number) => {
                let page = billing.open_portal(user, click(), true, &visitor).await.unwrap();
                stage.pass(20 * SECOND);
                stage.stripe.submit(&page, "/card", &card(number)).await;
            }
            Act::CancelThere | Act::RenewThere => {
                let page = billing.open_portal(user, click(), false, &visitor).await.unwrap();
                stage.pass(20 * SECOND);
                let button = if matches!(act, Act::CancelThere) {
                    "cancel"
                } else {
                    "renew"
                };
                let path = format!("/{button}/{}", stage.standing(person).await);
                stage.stripe.submit(&page, &path, &[]).await;
            }
            Act::Refund(amount) => {
                let customer = stage.customer(person).await;
                let refund = stage.stripe.refund(&customer, amount).await;
                self.refunds.entry(number).or_default().push(refund);
            }
            Act::RefundFails => {
                let refund = self.refunds[&number].last().unwrap();
                stage.stripe.fail_refund(refund).await;
            }
        }
    }
}
