//! Billing over a fresh database, with a stand-in for Stripe beside it and one clock for both. Webhooks come when the
//! test says so, in the order that it says.

use backend::Visitor;
use backend::accounts::User;
use backend::billing::inbox::{NotReceived, Received, Settings, Worked, Worker};
use backend::billing::{Billing, Order, Overview};
use backend::clock::Clock;
use backend::config::Config;
use db::{Db, Engine};
use outbox::Wakeup;
use serde_json::Value;
use stripe_webhook::Webhook;
use tracking::{DeviceId, Found, Interval, PresentIds, SessionId};
use uuid::Uuid;

use super::stand_in::{GOOD_CARD, StandIn, card, install_crypto, text};
use crate::support::{MINUTE, Store, denying_visitor, payload, visitor};

/// What webhooks are signed with; the second is the one before.
pub const SECRETS: [&str; 2] = ["whsec_new", "whsec_old"];

/// A second, in ms.
pub const SECOND: i64 = 1_000;

pub struct Stage {
    pub store: Store,
    pub stripe: StandIn,
    pub billing: Billing,
    pub worker: Worker,
    /// Stripe's last event that was taken.
    taken: Option<String>,
}

/// Somebody with an account, in a browser of their own.
#[derive(Clone)]
pub struct Person {
    pub user: User,
    pub device: DeviceId,
}

impl Stage {
    pub async fn new(engine: Engine) -> Self {
        Self::seeded(engine, None).await
    }

    /// With IDs of Stripe's that are the same for the same seed.
    pub async fn seeded(engine: Engine, seed: Option<u64>) -> Self {
        let store = Store::new(engine).await;
        let stripe = StandIn::start(&store.clock, seed).await;
        let billing = billing_at(&store, &stripe.url);
        Self {
            worker: Worker::new(billing.clone(), Settings::default()),
            billing,
            stripe,
            store,
            taken: None,
        }
    }

    pub async fn person(&self, email: &str) -> Person {
        let (name, _) = email.split_once('@').unwrap();
        Person {
            user: self.store.sign_up(email).await.user,
            device: DeviceId::parse(&format!("browser-of-{name}")).unwrap(),
        }
    }

    /// Lets time pass, here and at Stripe.
    pub fn pass(&self, ms: i64) {
        self.store.clock.advance(ms);
    }

    /// The person in a session that began a minute ago.
    pub fn visitor(&self, person: &Person) -> Visitor {
        Visitor {
            tracking: Some(PresentIds::Live {
                device: person.device.clone(),
                session: SessionId::starting_at(self.store.clock.now_ms() - MINUTE),
                found: Found::SdkCookie,
            }),
            ..visitor()
        }
    }

    /// A click on "Start trial": the URL of Stripe's page.
    pub async fn start(&self, person: &Person, interval: Interval) -> String {
        let order = Order {
            interval,
            click: click(),
        };
        let visitor = self.visitor(person);
        self.billing
            .start_checkout(&person.user, order, &visitor)
            .await
            .unwrap()
    }

    /// A trial, from the click to what it becomes here: Stripe's ID of the subscription.
    pub async fn trial(&mut self, person: &Person) -> String {
        let page = self.start(person, Interval::Month).await;
        self.pass(20 * SECOND);
        self.stripe.complete_checkout(&page, None).await;
        self.deliver().await;
        self.standing(person).await
    }

    /// Gives a card by way of the portal.
    pub async fn give_card(&mut self, person: &Person, number: &str) {
        let visitor = self.visitor(person);
        let page = self.billing.open_portal(&person.user, click(), true, &visitor);
        let page = page.await.unwrap();
        self.stripe.submit(&page, "/card", &card(number)).await;
        self.deliver().await;
    }

    /// A trial that was paid for: Stripe's ID of the subscription.
    pub async fn paid(&mut self, person: &Person) -> String {
        let subscription = self.trial(person).await;
        self.give_card(person, GOOD_CARD).await;
        self.pass_days(4).await;
        subscription
    }

    /// Day by day, with the webhooks of each.
    pub async fn pass_days(&mut self, days: u32) {
        for _ in 0..days {
            self.pass(crate::support::DAY);
            self.deliver().await;
        }
    }

    pub async fn overview(&self, person: &Person) -> Overview {
        self.billing.overview(&person.user).await.unwrap()
    }

    /// Stripe's ID of the person's subscription, as our pages know it.
    pub async fn standing(&self, person: &Person) -> String {
        self.overview(person).await.standing.unwrap().subscription
    }

    /// Stripe's ID of the person's customer.
    pub async fn customer(&self, person: &Person) -> String {
        let id = person.user.id;
        let sql = format!("SELECT id FROM stripe_customers WHERE user_id = '{id}'");
        self.store.texts(&sql).await.remove(0)
    }

    /// What our database says of the account.
    pub async fn account_type(&self, person: &Person) -> String {
        let id = person.user.id;
        let sql = format!("SELECT account_type FROM users WHERE id = '{id}'");
        self.store.texts(&sql).await.remove(0)
    }

    /// Stripe's events since the last time, as its webhooks have them, oldest first.
    pub async fn news(&mut self) -> Vec<Value> {
        let mut news = self.stripe.newer("/v1/events", self.taken.as_deref()).await;
        news.reverse();
        if let Some(last) = news.last() {
            self.taken = Some(text(last, "id").to_owned());
        }
        news
    }

    /// Stripe's webhook, at our door.
    pub async fn receive(&self, webhook: &Value) -> Result<Received, NotReceived> {
        receive(&self.billing, &webhook.to_string(), self.store.clock.now_ms()).await
    }

    /// Takes everything that Stripe has, one after the other, and applies it.
    pub async fn deliver(&mut self) -> Worked {
        let mut worked = Worked::default();
        for webhook in self.news().await {
            if self.receive(&webhook).await.unwrap() == Received::New {
                worked += self.worker.drain().await.unwrap();
            }
        }
        worked
    }

    /// The person's events but for the sign-up, as Amplitude will get them, in the order of the outbox.
    pub async fn told(&self, person: &Person) -> Vec<Value> {
        let entries = self.store.events_of(person.user.id).await;
        let told = entries.iter().map(payload);
        told.filter(|event| event["event_type"] != "Sign-up completed")
            .collect()
    }

    pub async fn names(&self, person: &Person) -> Vec<String> {
        names(&self.told(person).await)
    }

    /// The newest event.
    pub async fn last(&self, person: &Person) -> Value {
        self.told(person).await.pop().unwrap()
    }
}

/// Billing that asks Stripe there: another server over the same database, say.
pub fn billing_at(store: &Store, url: &str) -> Billing {
    billing_over(&store.test.db, &store.clock, url)
}

/// The same for any database.
pub fn billing_over(db: &Db, clock: &Clock, url: &str) -> Billing {
    install_crypto();
    let secrets = SECRETS.join(",");
    let config = Config::read(|name| match name {
        "STRIPE_API_URL" => Some(url.to_owned()),
        "STRIPE_WEBHOOK_SECRETS" => Some(secrets.clone()),
        _ => None,
    });
    Billing::new(&config.unwrap(), db.clone(), clock.clone(), Wakeup::new()).unwrap()
}

pub async fn receive(billing: &Billing, body: &str, now_ms: i64) -> Result<Received, NotReceived> {
    let header = Webhook::generate_test_header(body, SECRETS[0], Some(now_ms / 1000));
    billing.receive(body.as_bytes(), &header).await
}

/// A form's own ID.
pub fn click() -> Uuid {
    backend::ids::random()
}

/// Somebody who said no, to this account.
pub fn silent() -> Visitor {
    denying_visitor()
}

/// The session of a visitor who is tracked, in ms.
pub fn session_of(visitor: &Visitor) -> i64 {
    match &visitor.tracking {
        Some(PresentIds::Live { session, .. }) => session.ms(),
        _ => panic!("no session"),
    }
}

pub fn names(events: &[Value]) -> Vec<String> {
    events
        .iter()
        .map(|event| text(event, "event_type").to_owned())
        .collect()
}

/// Minor units that an event says came in, or went.
pub fn revenue(event: &Value) -> i64 {
    let amount = event["revenue"].as_f64().unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "a few dollars in cents")]
    let cents = (amount * 100.0).round() as i64;
    cents
}
