//! Any body sent to the ingestion APIs is stored or refused, and everything stored can be read afterwards.

use std::cell::{Cell, RefCell};

use amplitude_local::{CollectorSettings, WallClock, open};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::support::{KEY, START_MS};

/// A fresh collector replaces the one that has handled so many inputs, because lists and states grow.
const INPUTS_PER_COLLECTOR: u32 = 100;
const TOKENS: [&str; 8] = ["null", "\"\"", "{", "[", ",", "\"$add\":", "\"$remote\"", "-1"];

fn corpus() -> Vec<String> {
    let bodies = [
        json!([{
            "event_type": "Poll created", "user_id": "user-1", "device_id": "device-1", "insert_id": "i-1",
            "time": START_MS, "session_id": START_MS, "event_id": 7, "ip": "$remote", "language": "en-US",
            "platform": "Web", "library": "amplitude-ts/2.0.0", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
            "event_properties": {"poll_id": "p", "options": [1, 2, {"a": null}]}, "groups": {"org": ["a"]},
            "location_lat": 1.5, "location_lng": -3, "plan": {"branch": "main"},
        }]),
        json!([
            {"event_type": "$identify", "device_id": "device-2", "user_properties": {
                "$setOnce": {"initial_utm_source": "x"}, "$set": {"a": [1]}, "$add": {"n": 9_000_000_000_000_000_000_i64},
                "$append": {"list": "x"}, "$preInsert": {"list": ["y"]}, "$remove": {"list": "x"}, "$unset": {"gclid": "-"},
            }},
            {"event_type": "session_start", "device_id": "device-2", "session_id": START_MS, "time": START_MS},
            {"event_type": "x", "user_id": "user-2", "device_id": "device-2", "user_properties": {"$clearAll": "-"}},
        ]),
        json!([
            {"event_type": "Subscription started", "user_id": "user-1", "price": 12.5, "quantity": 2, "revenue": 25,
             "productId": "pro", "revenueType": "first", "currency": "USD", "insert_id": "trial-converted:sub_1"},
            {"event_type": "Subscription refund", "user_id": "user-1", "revenue": -1e308, "$skip_user_properties_sync": true},
            {"event_type": "Revenue", "user_id": "user-1", "event_properties": {"$price": 1e308, "$quantity": 100}},
            {"event_type": "Revenue", "user_id": "user-1", "price": -1e308, "quantity": 100},
        ]),
    ];
    let body = |events| {
        json!({
            "api_key": KEY, "events": events, "client_upload_time": "2023-11-14T22:13:20.000Z", "options": {"min_id_length": 1},
        })
    };
    bodies
        .into_iter()
        .map(|events| body(events).to_string())
        .collect()
}

struct Target {
    runtime: Runtime,
    router: RefCell<Router>,
    inputs: Cell<u32>,
}

impl Target {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let router = RefCell::new(runtime.block_on(collector()));
        Self {
            runtime,
            router,
            inputs: Cell::new(0),
        }
    }

    /// Sends the body to each ingestion API, then reads what is stored. Returns whether HTTP V2 accepted it.
    fn accepts(&self, body: &[u8]) -> bool {
        self.inputs.set(self.inputs.get() + 1);
        if self.inputs.get().is_multiple_of(INPUTS_PER_COLLECTOR) {
            *self.router.borrow_mut() = self.runtime.block_on(collector());
        }
        self.runtime.block_on(async {
            let router = self.router.borrow().clone();
            let json: Value = serde_json::from_slice(body).unwrap_or_default();
            let (status, answer) = send(&router, "/2/httpapi", "application/json", body).await;
            if status == 200 {
                // The collector also reads text that is not valid Unicode; this test does not.
                if let Some(events) = json["events"].as_array() {
                    assert_eq!(answer["events_ingested"], json!(events.len()), "{answer}");
                }
            } else {
                assert!([400, 413].contains(&status), "{status} {answer}");
            }
            let (batch_status, answer) = send(&router, "/batch", "application/json", body).await;
            assert!([200, 400, 413].contains(&batch_status), "{batch_status} {answer}");
            let form = format!("api_key={KEY}&identification={}", json["events"]);
            let (identify_status, answer) = send(
                &router,
                "/identify",
                "application/x-www-form-urlencoded",
                form.as_bytes(),
            )
            .await;
            assert!(
                [200, 400, 413].contains(&identify_status),
                "{identify_status} {answer}"
            );
            for path in ["events", "refused", "raw", "people"] {
                let path = format!("/local/{path}?limit=20");
                let (status, answer) = send(&router, &path, "", b"").await;
                assert_eq!(status, 200, "{path}: {answer}");
            }
            let (_, people) = send(&router, "/local/people?limit=1", "", b"").await;
            let newest = people["people"].as_array().and_then(|people| people.first());
            if let Some(id) = newest.and_then(|person| person["amplitude_id"].as_i64()) {
                let (status, answer) =
                    send(&router, &format!("/api/2/useractivity?user={id}"), "", b"").await;
                assert_eq!(status, 200, "{answer}");
            }
            status == 200
        })
    }
}

async fn collector() -> Router {
    let settings = CollectorSettings {
        clock: WallClock::from_fn(|| START_MS),
        ..CollectorSettings::default()
    };
    open(settings).await.expect("the collector opens").router()
}

/// Sends a POST request, or a GET request without a content type.
async fn send(router: &Router, path: &str, content_type: &str, body: &[u8]) -> (u16, Value) {
    let method = if content_type.is_empty() { "GET" } else { "POST" };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("content-type", content_type)
        .body(Body::from(body.to_vec()))
        .expect("a request");
    let response = router
        .clone()
        .oneshot(request)
        .await
        .expect("the router does not fail");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[test]
fn amplitude_uploads() {
    let target = Target::start();
    fuzzing::fuzz("amplitude_uploads", &TOKENS, &corpus(), |input| {
        target.accepts(input)
    });
}
