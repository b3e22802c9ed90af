//! A verdict can fail: the undisturbed scenario, while Checkout's metadata is lost on its way to Stripe.

use app::lab::{Disturbance, Outcome};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use db::Engine;
use http::{HeaderMap, Method, StatusCode, Uri};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracking::verdict::{Finding, Rule, RuleOutcome};
use url::form_urlencoded;

use super::{outcome, start};
use crate::support::TestApp;

const SECRET: &str = "whsec_of_the_test";

/// A proxy between the app and the stand-in for Stripe.
#[derive(Clone)]
struct MetadataProxy {
    stripe: String,
    client: reqwest::Client,
    /// Whether it removes metadata.
    removes_metadata: bool,
}

/// Whether a parameter carries our IDs.
fn is_handoff(name: &str) -> bool {
    name == "client_reference_id"
        || ["metadata[", "subscription_data[metadata]"]
            .iter()
            .any(|start| name.starts_with(start))
}

async fn forward(
    State(proxy): State<MetadataProxy>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = if proxy.removes_metadata && uri.path().starts_with("/v1/checkout/sessions") {
        let kept = form_urlencoded::parse(&body)
            .filter(|(name, _)| !is_handoff(name))
            .collect::<Vec<_>>();
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .finish()
            .into()
    } else {
        body
    };
    let mut request = proxy.client.request(method, format!("{}{uri}", proxy.stripe));
    for (name, value) in &headers {
        if !["host", "content-length"].contains(&name.as_str()) {
            request = request.header(name, value);
        }
    }
    let answer = request.body(body).send().await.unwrap();
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    let mut response_headers = HeaderMap::new();
    for name in ["content-type", "location", "request-id"] {
        if let Some(value) = answer.headers().get(name) {
            response_headers.insert(name, value.clone());
        }
    }
    (status, response_headers, answer.bytes().await.unwrap()).into_response()
}

/// The result of the undisturbed scenario through the proxy.
async fn run(removes_metadata: bool) -> Outcome {
    let port = free_port().await;
    let site = format!("127.0.0.1:{port}");
    let settings = stripe_local::StripeStandInSettings {
        state: stripe_local::StateLocation::Temporary,
        secret_key: Some("sk_test_seamline_local".to_owned()),
        webhooks: vec![stripe_local::WebhookTarget {
            url: format!("http://{site}/webhooks/stripe"),
            secret: SECRET.to_owned(),
        }],
        allow_release: true,
        ..stripe_local::StripeStandInSettings::default()
    };
    let stop = CancellationToken::new();
    let stripe = stripe_local::open(settings).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stripe_url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(stripe_local::serve(
        listener,
        stripe,
        stop.clone().cancelled_owned(),
    ));

    let proxy = MetadataProxy {
        stripe: stripe_url,
        client: http_browser::client().unwrap(),
        removes_metadata,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy_url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(forward).with_state(proxy);
    let proxy_serving = tokio::spawn(async move { axum::serve(listener, router).await });

    let variables = [
        ("LEPTOS_SITE_ADDR", site.as_str()),
        ("STRIPE_API_URL", &proxy_url),
        ("STRIPE_WEBHOOK_SECRETS", SECRET),
    ];
    let app = TestApp::with(Engine::Sqlite, &variables).await;
    let mut program = app.browser();
    let started = start(&mut program, Disturbance::Nothing.name()).await;
    assert_eq!(started.status, 202);
    let outcome = outcome(&mut program, Disturbance::Nothing).await;
    app.stop().await;
    stop.cancel();
    serving.await.unwrap().unwrap();
    proxy_serving.abort();
    outcome
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn without_the_metadata_the_verdict_is_broken_and_names_the_event() {
    let outcome = run(true).await;
    assert_eq!(outcome.failed, None, "the scenario itself is completed");
    let [user] = outcome.users.as_slice() else {
        panic!("{outcome:#?}")
    };
    assert!(!outcome.is_clean() && !user.verdict.clean);
    let broken: Vec<(Rule, &Finding)> = user
        .verdict
        .rulings
        .iter()
        .flat_map(|ruling| ruling.findings.iter().map(|finding| (ruling.rule, finding)))
        .filter(|(_, finding)| finding.outcome == RuleOutcome::Broken)
        .collect();
    let stitched = broken
        .iter()
        .find(|(rule, _)| *rule == Rule::StitchedAsKnown)
        .unwrap_or_else(|| panic!("{outcome:#?}"));
    let event = stitched.1.event.as_ref().unwrap();
    assert_eq!(event.name, "Trial started");
    assert!(
        stitched.1.reason.contains("was noted"),
        "the facts have the click that the event lacks: {}",
        stitched.1.reason
    );
    // No other event breaks a rule.
    for (rule, finding) in &broken {
        let name = finding.event.as_ref().map(|event| event.name.as_str());
        assert_eq!(name, Some("Trial started"), "{rule:?}: {finding:?}");
    }
}

#[tokio::test]
async fn with_the_metadata_the_verdict_is_clean() {
    let outcome = run(false).await;
    assert!(outcome.is_clean(), "{outcome:#?}");
}
