//! One scenario against Stripe's real API and against the stand-in. The real API is used if `STRIPE_TEST_SECRET_KEY`
//! has a test key. Stripe's pages need a browser, so the test creates the subscription through the API with the
//! metadata of the click.

use std::time::Duration;

use backend::accounts::{Accounts, User};
use backend::billing::inbox::{InboxSettings, Worker};
use backend::billing::{Billing, CheckoutState, Order};
use backend::clock::Clock;
use backend::config::Config;
use db::Engine;
use db::testing::TestDb;
use outbox::Wakeup;
use reqwest::{Client, Method};
use serde_json::Value;
use stripe_local::AccountRules;
use stripe_webhook::Webhook;
use tracking::PlanInterval;

use super::environment::click;
use super::stand_in::{Form, StandIn, install_crypto, text};
use crate::support::{payload, sign_up, visitor};

const SECRET: &str = "whsec_test";
const VERSION: &str = "2026-09-30.endive";

/// How long Stripe may take to list an event.
const EVENT_TIMEOUT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn against_the_stand_in() {
    let stripe = StandIn::start(&Clock::system(), None, AccountRules::default()).await;
    let variables = [
        ("STRIPE_API_URL", stripe.url.as_str()),
        ("STRIPE_WEBHOOK_SECRETS", SECRET),
    ];
    ApiTest::new(&stripe.url, "sk_test_local", &variables)
        .await
        .run()
        .await;
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a lane that was not received is said aloud")]
async fn against_stripe_itself() {
    let Ok(key) = std::env::var("STRIPE_TEST_SECRET_KEY") else {
        eprintln!("skipped: STRIPE_TEST_SECRET_KEY is not set");
        return;
    };
    assert!(key.contains("_test_"), "only test keys are allowed");
    let variables = [
        ("STRIPE_SECRET_KEY", key.as_str()),
        ("STRIPE_WEBHOOK_SECRETS", SECRET),
        ("SMTP_URL", "smtp://127.0.0.1:1025"),
    ];
    ApiTest::new("https://api.stripe.com", &key, &variables)
        .await
        .run()
        .await;
}

struct ApiTest {
    test: TestDb,
    user: User,
    billing: Billing,
    worker: Worker,
    client: Client,
    api: String,
    key: String,
    /// IDs of received events.
    received: Vec<String>,
}

impl ApiTest {
    async fn new(api: &str, key: &str, variables: &[(&str, &str)]) -> Self {
        install_crypto();
        let config = Config::read(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found
                .map(|(_, value)| (*value).to_owned())
                .or_else(|| (name == "CONSENT_DEFAULT").then(|| "granted".to_owned()))
        })
        .unwrap();
        let test = TestDb::new(Engine::Sqlite).await;
        let clock = Clock::system();
        let accounts = Accounts::new(test.db.clone(), clock.clone(), Wakeup::new(), false);
        let email = format!("api.{}@example.com", click().simple());
        let user = accounts.sign_up(sign_up(&email), &visitor()).await.unwrap().user;
        let billing = Billing::new(&config, test.db.clone(), clock, Wakeup::new()).unwrap();
        Self {
            worker: Worker::new(billing.clone(), InboxSettings::default()),
            billing,
            test,
            user,
            client: Client::builder()
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            api: api.to_owned(),
            key: key.to_owned(),
            received: Vec::new(),
        }
    }

    async fn run(mut self) {
        let (first, second) = (self.start().await, self.start().await);
        assert_ne!(first, second, "each click has its own page");
        let left = self.session_of(&first).await;
        let state = self.billing.checkout_state(&self.user, &left).await.unwrap();
        assert_eq!(
            state,
            Some(CheckoutState::Expired),
            "a newer session expires the older one"
        );
        let session = self.session_of(&second).await;
        let session = self
            .call(Method::GET, &format!("/v1/checkout/sessions/{session}"), &[])
            .await;
        let customer = text(&session, "customer").to_owned();

        let subscription = self.subscribe(&customer).await;
        self.receive_next("customer.subscription.created", &subscription)
            .await;
        let started = self.event("Trial started").await;
        assert_eq!(started["event_properties"]["stitched_by"], "checkout handoff");
        assert_eq!(started["device_id"], crate::support::device().as_str());
        let shown = self
            .billing
            .overview(&self.user)
            .await
            .unwrap()
            .subscription
            .unwrap();
        assert_eq!(shown.id, subscription);

        self.billing
            .cancel(&self.user, click(), &visitor())
            .await
            .unwrap();
        self.receive_next("customer.subscription.updated", &subscription)
            .await;
        self.event("Trial canceled").await;
        self.billing
            .resume(&self.user, click(), &visitor())
            .await
            .unwrap();
        self.receive_next("customer.subscription.updated", &subscription)
            .await;
        self.event("Trial resumed").await;
        self.billing
            .change_to_yearly(&self.user, click(), &visitor())
            .await
            .unwrap();
        self.receive_next("customer.subscription.updated", &subscription)
            .await;
        let changed = self.event("Subscription changed").await;
        assert_eq!(changed["event_properties"]["interval"], "year");

        // Last, because a portal visit would count as the cause of later changes.
        let portal = self
            .billing
            .open_portal(&self.user, click(), true, &visitor())
            .await
            .unwrap();
        assert!(portal.starts_with("http"), "{portal}");
        self.billing.erase(self.user.id).await.unwrap();
        let gone = self
            .call(Method::GET, &format!("/v1/customers/{customer}"), &[])
            .await;
        assert_eq!(gone["deleted"], true);
    }

    /// Clicks "Start trial" and returns the URL of Stripe's page. A repeated click returns the same page.
    async fn start(&self) -> String {
        let order = Order {
            interval: PlanInterval::Month,
            click: click(),
        };
        let page = self
            .billing
            .start_checkout(&self.user, order, &visitor())
            .await
            .unwrap();
        let again = self
            .billing
            .start_checkout(&self.user, order, &visitor())
            .await
            .unwrap();
        assert_eq!(page, again);
        page
    }

    /// Stripe's ID of a page's Checkout session.
    async fn session_of(&self, page: &str) -> String {
        let sql = "SELECT checkout_id FROM handoffs WHERE checkout_url = $1";
        sqlx::query_scalar(sql)
            .bind(page)
            .fetch_one(self.test.db.pool())
            .await
            .unwrap()
    }

    /// Creates the subscription that Checkout would create for the newest click.
    async fn subscribe(&self, customer: &str) -> String {
        let price = self
            .call(Method::GET, "/v1/prices?lookup_keys[]=seamline_pro_month", &[])
            .await;
        let price = text(&price["data"][0], "id").to_owned();
        let (click, session, at): (String, i64, i64) = sqlx::query_as(
            "SELECT click, session_id, created_at FROM handoffs ORDER BY created_at DESC LIMIT 1",
        )
        .fetch_one(self.test.db.pool())
        .await
        .unwrap();
        let (user, device) = (self.user.id.to_string(), crate::support::device());
        let (session, at) = (session.to_string(), at.to_string());
        let form = [
            ("customer", customer),
            ("items[0][price]", &price),
            ("trial_period_days", "3"),
            ("trial_settings[end_behavior][missing_payment_method]", "cancel"),
            ("metadata[seam_user]", &user),
            ("metadata[seam_device]", device.as_str()),
            ("metadata[seam_session]", &session),
            ("metadata[seam_at]", &at),
            ("metadata[seam_click]", &click),
        ];
        let made = self.call(Method::POST, "/v1/subscriptions", &form).await;
        text(&made, "id").to_owned()
    }

    /// Receives the next event of this type about the subscription, signed like a webhook.
    async fn receive_next(&mut self, kind: &str, subscription: &str) {
        let deadline = tokio::time::Instant::now() + EVENT_TIMEOUT;
        let event = loop {
            let listed = self
                .call(Method::GET, &format!("/v1/events?type={kind}&limit=20"), &[])
                .await;
            let new = |event: &&Value| {
                event["data"]["object"]["id"] == subscription
                    && !self.received.iter().any(|id| event["id"] == **id)
            };
            if let Some(event) = listed["data"].as_array().unwrap().iter().rev().find(new) {
                break event.clone();
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "no {kind} of {subscription}"
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        self.received.push(text(&event, "id").to_owned());
        let body = event.to_string();
        let signature = Webhook::generate_test_header(&body, SECRET, None);
        self.billing.receive(body.as_bytes(), &signature).await.unwrap();
        self.worker.drain().await.unwrap();
    }

    /// The user's only event of this name.
    async fn event(&self, name: &str) -> Value {
        let events = outbox::events_of(&self.test.db, self.user.id, 100).await.unwrap();
        let mut named: Vec<Value> = events
            .iter()
            .map(payload)
            .filter(|event| event["event_type"] == name)
            .collect();
        assert_eq!(named.len(), 1, "{name}: {named:?}");
        named.remove(0)
    }

    async fn call(&self, method: Method, path: &str, form: Form<'_>) -> Value {
        let request = self
            .client
            .request(method, format!("{}{path}", self.api))
            .bearer_auth(&self.key)
            .header("stripe-version", VERSION);
        let request = if form.is_empty() {
            request
        } else {
            request.form(form)
        };
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }
}
