//! Two servers on one database whose clocks differ by 20 s. A load balancer sends each request of a browser, and each webhook,
//! to one of them.

use backend::clock::Clock;
use db::Engine;
use db::testing::engines;
use reqwest::Method;
use serde_json::Value;
use stripe_local::StripeStandInSettings;
use stripe_webhook::Webhook;
use tokio::net::TcpListener;

use crate::billing::pay;
use crate::browser::{Browser, PASSWORD};
use crate::support::{TestApp, until};

/// The difference of the clocks, in ms.
const SKEW_MS: i64 = 20_000;
const WEBHOOK_SECRET: &str = "whsec_of_both";

/// Stripe with its own clock. Its webhooks are delivered by the test.
struct Stripe {
    url: String,
    client: reqwest::Client,
    delivered: Vec<String>,
}

impl Stripe {
    async fn start() -> Self {
        let stand_in = stripe_local::open(StripeStandInSettings::default())
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(stripe_local::serve(listener, stand_in, std::future::pending()));
        Self {
            url,
            client: http_browser::client().unwrap(),
            delivered: Vec::new(),
        }
    }

    /// Delivers the new webhooks to this server, oldest first.
    async fn deliver_to(&mut self, server: &TestApp) {
        let request = self.client.get(format!("{}/v1/events?limit=100", self.url));
        let answer = request.bearer_auth("sk_test_local").send().await.unwrap();
        let list: Value = answer.json().await.unwrap();
        for event in list["data"].as_array().unwrap().iter().rev() {
            let id = event["id"].as_str().unwrap();
            if self.delivered.iter().any(|delivered| delivered == id) {
                continue;
            }
            self.delivered.push(id.to_owned());
            let body = event.to_string();
            let request = server.browser().request(Method::POST, "/webhooks/stripe").header(
                "stripe-signature",
                Webhook::generate_test_header(&body, WEBHOOK_SECRET, None),
            );
            let answer = request.body(body).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{event}");
        }
    }
}

/// Two servers whose clocks are ahead of Stripe's by these ms.
async fn servers(stripe: &Stripe, ahead_ms: [i64; 2]) -> [TestApp; 2] {
    let billing = [
        ("STRIPE_API_URL", stripe.url.as_str()),
        ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET),
    ];
    let [first_ms, second_ms] = ahead_ms;
    let first = TestApp::with_clock(Engine::Postgres, &billing, Clock::ahead_of_system(first_ms)).await;
    let amplitude = first.collector.url();
    let shared = [
        ("DATABASE_URL", first.database.url.as_str()),
        ("AMPLITUDE_URL", &amplitude),
    ];
    let variables = [&billing[..], &shared].concat();
    let second = TestApp::with_clock(Engine::Postgres, &variables, Clock::ahead_of_system(second_ms)).await;
    [first, second]
}

/// Sends a form to this server, which redirects.
async fn submit(browser: &mut Browser, server: &TestApp, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = browser.submit(&format!("{}{path}", server.url), fields).await;
    let (status, target) = answer.redirect();
    assert!(matches!(status, 302 | 303), "{path}: {status} {}", answer.text());
    target.to_owned()
}

#[tokio::test]
async fn clocks_that_differ_by_20_seconds_lose_no_event_and_keep_the_order_of_causes() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    for ahead_ms in [[0, SKEW_MS], [SKEW_MS, 0]] {
        let mut stripe = Stripe::start().await;
        let [a, b] = servers(&stripe, ahead_ms).await;
        let mut browser = a.browser();
        let credentials = [("email", "ada@example.com"), ("password", PASSWORD)];
        submit(&mut browser, &a, "/sign-up", &credentials).await;
        submit(&mut browser, &b, "/sign-out", &[]).await;
        submit(&mut browser, &b, "/sign-in", &credentials).await;
        let user = a.user("ada@example.com").await;
        let checkout = submit(&mut browser, &a, "/pricing", &[("interval", "month")]).await;
        pay(&checkout).await;
        stripe.deliver_to(&b).await;
        a.collector.event(&user, "Trial started").await;
        submit(&mut browser, &b, "/billing", &[("action", "cancel")]).await;
        stripe.deliver_to(&a).await;
        a.collector.event(&user, "Trial canceled").await;
        submit(&mut browser, &a, "/billing", &[("action", "resume")]).await;
        stripe.deliver_to(&b).await;
        a.collector.event(&user, "Trial resumed").await;
        submit(&mut browser, &a, "/sign-out", &[]).await;

        let enqueued = a.texts("SELECT insert_id FROM outbox ORDER BY sequence").await;
        let all = [
            "Sign-up completed",
            "Sign-out completed",
            "Sign-in completed",
            "Trial started",
            "Trial canceled",
            "Trial resumed",
            "Sign-out completed",
        ];
        let mut events = until("all events have arrived", async || {
            let events = a.collector.events_of(&user).await;
            (events.len() >= all.len()).then_some(events)
        })
        .await;
        assert_eq!(
            texts(&events, "event_type"),
            all,
            "{ahead_ms:?}: in the order of requests"
        );
        assert_eq!(texts(&events, "$insert_id"), enqueued, "{ahead_ms:?}: each once");

        events.sort_by_key(|event| event["event_time"].as_str().unwrap().to_owned());
        let by_time = texts(&events, "event_type");
        assert_eq!(by_time[0], "Sign-up completed", "{ahead_ms:?}: {by_time:?}");
        let trial: Vec<_> = by_time.iter().filter(|name| name.starts_with("Trial")).collect();
        assert_eq!(
            trial,
            ["Trial started", "Trial canceled", "Trial resumed"],
            "{ahead_ms:?}"
        );
        submit(&mut browser, &b, "/sign-in", &credentials).await;
        let verdict = browser.open(&format!("{}/timeline/verdict", b.url)).await;
        assert_eq!(verdict.json()["clean"], true, "{ahead_ms:?}: {}", verdict.text());
        a.stop().await;
        b.stop().await;
    }
}

fn texts(events: &[Value], field: &str) -> Vec<String> {
    let texts = events
        .iter()
        .map(|event| event[field].as_str().unwrap().to_owned());
    texts.collect()
}
