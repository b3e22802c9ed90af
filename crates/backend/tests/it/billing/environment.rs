//! Billing with a fresh database and a stand-in for Stripe on one clock. Webhooks are delivered when, and in the order
//! in which, the test requests them.

use backend::accounts::User;
use backend::billing::inbox::{InboxReport, InboxSettings, ReceiveError, Received, Worker};
use backend::billing::{Billing, BillingOverview, Order};
use backend::clock::Clock;
use backend::config::Config;
use backend::{RequestOrigin, Visitor};
use db::{Db, Engine};
use outbox::Wakeup;
use serde_json::Value;
use stripe_local::AccountRules;
use stripe_webhook::Webhook;
use tracking::{DeviceId, IdSource, PlanInterval, PresentIds, SessionId, Touch};
use uuid::Uuid;

use super::stand_in::{GOOD_CARD, StandIn, card, install_crypto, text};
use crate::support::{MINUTE, Store, denying_visitor, payload, visitor};

/// The secrets of webhooks: the current and the previous one.
pub const SECRETS: [&str; 2] = ["whsec_new", "whsec_old"];

/// A second, in ms.
pub const SECOND: i64 = 1_000;

pub struct Environment {
    pub store: Store,
    pub stripe: StandIn,
    pub billing: Billing,
    pub worker: Worker,
    /// ID of the last delivered event.
    taken: Option<String>,
}

/// An account with its own browser.
#[derive(Clone)]
pub struct Person {
    pub user: User,
    pub device: DeviceId,
}

impl Environment {
    pub async fn new(engine: Engine) -> Self {
        Self::with_seed(engine, None).await
    }

    /// Uses the same Stripe IDs for the same seed.
    pub async fn with_seed(engine: Engine, seed: Option<u64>) -> Self {
        Self::with_rules(engine, seed, AccountRules::default()).await
    }

    /// Uses these settings of the Stripe account.
    pub async fn with_rules(engine: Engine, seed: Option<u64>, rules: AccountRules) -> Self {
        let store = Store::new(engine).await;
        let stripe = StandIn::start(&store.clock, seed, rules).await;
        let billing = billing_at(&store, &stripe.url);
        Self {
            worker: Worker::new(billing.clone(), InboxSettings::default()),
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

    /// Advances the clock of the app and of Stripe by `ms`.
    pub fn advance(&self, ms: i64) {
        self.store.clock.advance(ms);
    }

    /// The person's visitor in a session that started a minute ago.
    pub fn visitor(&self, person: &Person) -> Visitor {
        Visitor {
            tracking: Some(PresentIds::Live {
                device: person.device.clone(),
                session: SessionId::starting_at(self.store.clock.now_ms() - MINUTE),
                source: IdSource::SdkCookie,
                context: Box::default(),
            }),
            user_agent: format!(
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 ({})",
                person.device
            ),
            origin: RequestOrigin {
                accept_language: "en-GB,en;q=0.8".to_owned(),
                page_path: "/billing".to_owned(),
                session_touch: Some(Touch::of_document(
                    "/",
                    Some(&format!("utm_source={}", person.device)),
                    None,
                )),
                ..RequestOrigin::default()
            },
            ..visitor()
        }
    }

    /// Clicks "Start trial" and returns the URL of Stripe's page.
    pub async fn start(&self, person: &Person, interval: PlanInterval) -> String {
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

    /// Starts a trial, applies its webhooks, and returns Stripe's ID of the subscription.
    pub async fn trial(&mut self, person: &Person) -> String {
        let page = self.start(person, PlanInterval::Month).await;
        self.advance(20 * SECOND);
        self.stripe.complete_checkout(&page, None).await;
        self.deliver().await;
        self.subscription_id(person).await
    }

    /// Adds a card in the portal.
    pub async fn give_card(&mut self, person: &Person, number: &str) {
        let visitor = self.visitor(person);
        let page = self.billing.open_portal(&person.user, click(), true, &visitor);
        let page = page.await.unwrap();
        self.stripe.submit(&page, "/card", &card(number)).await;
        self.deliver().await;
    }

    /// Gives the person's customer a card through the API, and returns Stripe's ID of the customer.
    pub async fn attach_card(&self, person: &Person) -> String {
        let customer = self.customer(person).await;
        let attach = "/v1/payment_methods/pm_card_visa/attach";
        let card = self.stripe.post(attach, &[("customer", &customer)]).await;
        let default = [("invoice_settings[default_payment_method]", text(&card, "id"))];
        self.stripe
            .post(&format!("/v1/customers/{customer}"), &default)
            .await;
        customer
    }

    /// Starts a trial that converts, and returns Stripe's ID of the subscription.
    pub async fn paid(&mut self, person: &Person) -> String {
        let subscription = self.trial(person).await;
        self.give_card(person, GOOD_CARD).await;
        self.advance_days(4).await;
        subscription
    }

    /// Advances day by day and applies each day's webhooks.
    pub async fn advance_days(&mut self, days: u32) {
        for _ in 0..days {
            self.advance(crate::support::DAY);
            self.deliver().await;
        }
    }

    pub async fn overview(&self, person: &Person) -> BillingOverview {
        self.billing.overview(&person.user).await.unwrap()
    }

    /// Stripe's ID of the subscription that the app shows.
    pub async fn subscription_id(&self, person: &Person) -> String {
        self.overview(person).await.subscription.unwrap().id
    }

    /// Stripe's ID of the person's customer.
    pub async fn customer(&self, person: &Person) -> String {
        let id = person.user.id;
        let sql = format!("SELECT id FROM stripe_customers WHERE user_id = '{id}' AND deleted_ms IS NULL");
        self.store.texts(&sql).await.remove(0)
    }

    /// The account type in the database.
    pub async fn account_type(&self, person: &Person) -> String {
        let id = person.user.id;
        let sql = format!("SELECT account_type FROM users WHERE id = '{id}'");
        self.store.texts(&sql).await.remove(0)
    }

    /// Stripe's events since the last call, as webhooks contain them, oldest first.
    pub async fn new_webhooks(&mut self) -> Vec<Value> {
        let mut webhooks = self.stripe.newer("/v1/events", self.taken.as_deref()).await;
        webhooks.reverse();
        if let Some(last) = webhooks.last() {
            self.taken = Some(text(last, "id").to_owned());
        }
        webhooks
    }

    /// Sends a webhook to the app.
    pub async fn receive(&self, webhook: &Value) -> Result<Received, ReceiveError> {
        receive(&self.billing, &webhook.to_string(), self.store.clock.now_ms()).await
    }

    /// Delivers and applies all new webhooks one after the other.
    pub async fn deliver(&mut self) -> InboxReport {
        let mut worked = InboxReport::default();
        for webhook in self.new_webhooks().await {
            if self.receive(&webhook).await.unwrap() == Received::New {
                worked += self.worker.drain().await.unwrap();
            }
        }
        worked
    }

    /// The person's events without the sign-up, as sent to Amplitude, in the order of the outbox.
    pub async fn events(&self, person: &Person) -> Vec<Value> {
        let entries = self.store.events_of(person.user.id).await;
        let events = entries.iter().map(payload);
        events
            .filter(|event| event["event_type"] != "Sign-up completed")
            .collect()
    }

    pub async fn names(&self, person: &Person) -> Vec<String> {
        names(&self.events(person).await)
    }

    /// The newest event.
    pub async fn last(&self, person: &Person) -> Value {
        self.events(person).await.pop().unwrap()
    }
}

/// Billing with another URL of Stripe on the same database, like a second server.
pub fn billing_at(store: &Store, url: &str) -> Billing {
    billing_over(&store.test.db, &store.clock, url)
}

/// Billing on any database.
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

pub async fn receive(billing: &Billing, body: &str, now_ms: i64) -> Result<Received, ReceiveError> {
    let header = Webhook::generate_test_header(body, SECRETS[0], Some(now_ms / 1000));
    billing.receive(body.as_bytes(), &header).await
}

/// A new form ID.
pub fn click() -> Uuid {
    backend::ids::random()
}

/// A visitor without consent.
pub fn without_consent() -> Visitor {
    denying_visitor()
}

/// The session of a tracked visitor, in ms.
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

/// The event's revenue in minor units. Negative for a refund.
pub fn revenue(event: &Value) -> i64 {
    let amount = event["revenue"].as_f64().unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "a few dollars in cents")]
    let cents = (amount * 100.0).round() as i64;
    cents
}
