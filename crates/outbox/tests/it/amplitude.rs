//! Tests of the Amplitude sink against a local HTTP receiver.

use std::sync::Arc;
use std::time::Duration;

use db::Engine;
use outbox::{
    AmplitudeSink, Condition, DeliveryOutcome, Dispatcher, FailureKind, OutboundEvent, OutboxState,
    ParkReason, Sink, SinkError,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::receiver::{Reply, ScriptedReceiver};
use crate::support::{NOW, Outbox, SECOND, insert_id, settings};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn sink(url: &str) -> AmplitudeSink {
    // Another test may have installed the provider already.
    rustls::crypto::ring::default_provider().install_default().ok();
    AmplitudeSink::new(url, SecretString::from(KEY))
        .unwrap()
        .with_request_timeout(Duration::from_millis(300))
}

fn delivery(user: &str, insert_id: &str) -> OutboundEvent {
    OutboundEvent {
        insert_id: insert_id.to_owned(),
        user_id: user.to_owned(),
        device_id: Some(format!("device-of-{user}")),
        event_type: "Sign-in completed".to_owned(),
        payload: json!({"user_id": user, "insert_id": insert_id, "event_type": "Sign-in completed"})
            .to_string(),
        trace_parent: None,
    }
}

fn batch() -> Vec<OutboundEvent> {
    vec![
        delivery("ann", "a1"),
        delivery("bob", "b1"),
        delivery("ann", "a2"),
        delivery("cid", "c1"),
    ]
}

/// Returns `sent`, `held`, `park: <reason>` or `retry: <kind>` per row.
fn as_text(outcomes: Vec<DeliveryOutcome>) -> Vec<String> {
    let text = |outcome| match outcome {
        DeliveryOutcome::Sent => "sent".to_owned(),
        DeliveryOutcome::Held => "held".to_owned(),
        DeliveryOutcome::Park(reason) => format!("park: {reason}"),
        DeliveryOutcome::Retry(failure) => format!("retry: {:?}", failure.kind),
    };
    outcomes.into_iter().map(text).collect()
}

#[tokio::test]
async fn a_batch_is_one_request_with_the_upload_time() {
    let receiver = ScriptedReceiver::start().await;
    let outcomes = sink(&receiver.url).deliver(&batch(), NOW).await;
    assert_eq!(outcomes, vec![DeliveryOutcome::Sent; 4]);
    let bodies = receiver.bodies();
    assert_eq!(bodies.len(), 1);
    let body: Value = serde_json::from_str(&bodies[0]).unwrap();
    assert_eq!(body["api_key"], KEY);
    assert_eq!(body["client_upload_time"], "2026-11-23T12:00:00.000Z");
    assert_eq!(body["events"][2]["insert_id"], "a2");
    assert_eq!(body.as_object().unwrap().len(), 3);
    let events: Vec<_> = batch().into_iter().map(|row| row.payload).collect();
    assert!(
        bodies[0].contains(&events.join(",")),
        "the events are the stored bytes"
    );
}

#[tokio::test]
async fn events_named_as_invalid_are_parked_and_the_rest_is_resent_at_once() {
    let receiver = ScriptedReceiver::start().await;
    receiver.script([
        Reply::json(
            400,
            json!({"code": 400, "error": "Invalid field values on some events",
            "events_with_invalid_fields": {"time": [0]}, "events_with_missing_fields": {"event_type": [3]}}),
        ),
        Reply::json(
            400,
            json!({"code": 400, "error": "Events silenced for device_id", "silenced_events": [0]}),
        ),
    ]);
    let outcomes = sink(&receiver.url).deliver(&batch(), NOW).await;
    assert_eq!(
        as_text(outcomes),
        [
            "park: invalid field: time",
            "park: device silenced",
            "sent",
            "park: missing field: event_type"
        ]
    );
    assert_eq!(
        receiver.requests(),
        [vec!["a1", "b1", "a2", "c1"], vec!["b1", "a2"], vec!["a2"]]
    );
}

#[tokio::test]
async fn a_request_that_is_too_large_is_split_and_a_single_event_is_parked() {
    let receiver = ScriptedReceiver::start().await;
    let too_large = || Reply::json(413, json!({"code": 413, "error": "Payload too large"}));
    receiver.script([too_large(), too_large(), too_large()]);
    let outcomes = sink(&receiver.url).deliver(&batch(), NOW).await;
    assert_eq!(as_text(outcomes), ["park: too large", "sent", "sent", "sent"]);
    assert_eq!(
        receiver.requests(),
        [
            vec!["a1", "b1", "a2", "c1"],
            vec!["a1", "b1"],
            vec!["a1"],
            vec!["b1"],
            vec!["a2", "c1"]
        ]
    );
}

#[tokio::test]
async fn throttled_users_wait_and_the_rest_is_resent_at_once() {
    let receiver = ScriptedReceiver::start().await;
    receiver.script([Reply::json(
        429,
        json!({"code": 429, "error": "Too many requests for some devices and users",
        "eps_threshold": 30, "throttled_users": {}, "throttled_devices": {}, "throttled_events": [0]}),
    )]);
    let outcomes = sink(&receiver.url).deliver(&batch(), NOW).await;
    assert_eq!(as_text(outcomes), ["retry: Throttled", "sent", "held", "sent"]);
    assert_eq!(
        receiver.requests()[1],
        ["b1", "c1"],
        "no later event of ann is sent"
    );
}

#[tokio::test]
async fn responses_about_the_whole_request() {
    let table = [
        (Reply::json(503, json!({})), FailureKind::NotAccepted),
        (Reply::json(500, json!({})), FailureKind::Unknown),
        (Reply::Respond(502, "<html>".to_owned()), FailureKind::Unknown),
        (Reply::json(504, json!({})), FailureKind::Unknown),
        (Reply::Hang, FailureKind::Unknown),
        (
            Reply::json(403, json!({"code": 403, "error": "Forbidden"})),
            FailureKind::Refused,
        ),
        (Reply::Redirect, FailureKind::Refused),
        (Reply::json(404, json!({})), FailureKind::Refused),
        (Reply::json(429, json!({"code": 429})), FailureKind::Overloaded),
        (
            Reply::Respond(200, "<html>log in first</html>".to_owned()),
            FailureKind::Unknown,
        ),
        (Reply::Respond(200, " ".repeat(300_000)), FailureKind::Unknown),
        (
            Reply::json(
                400,
                json!({"code": 400, "error": format!("Invalid API key: {KEY}")}),
            ),
            FailureKind::Misconfigured,
        ),
    ];
    for (reply, kind) in table {
        let receiver = ScriptedReceiver::start().await;
        receiver.script([reply.clone()]);
        let outcomes = sink(&receiver.url).deliver(&batch(), NOW).await;
        assert_eq!(
            receiver.requests().len(),
            1,
            "{reply:?} is not repeated within the batch"
        );
        for outcome in outcomes {
            let DeliveryOutcome::Retry(failure) = outcome else {
                panic!("{reply:?}: {outcome:?}")
            };
            assert_eq!(failure.kind, kind, "{reply:?}");
            assert!(!failure.detail.contains(KEY), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_not_accepted_and_a_broken_connection_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let closing = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read_exact(&mut [0; 64]).await.unwrap();
        // The socket is dropped after part of the request, and the listener with it.
    });
    assert_eq!(
        as_text(sink(&url).deliver(&batch()[..1], NOW).await),
        ["retry: Unknown"]
    );
    closing.await.unwrap();
    assert_eq!(
        as_text(sink(&url).deliver(&batch()[..1], NOW).await),
        ["retry: NotAccepted"]
    );
}

#[tokio::test]
async fn a_failed_request_does_not_affect_rows_that_were_already_sent() {
    let receiver = ScriptedReceiver::start().await;
    receiver.script([
        Reply::json(413, json!({"code": 413})),
        Reply::json(200, json!({"code": 200})),
        Reply::json(500, json!({})),
    ]);
    let outcomes = sink(&receiver.url).deliver(&batch(), NOW).await;
    assert_eq!(
        as_text(outcomes),
        ["sent", "sent", "retry: Unknown", "retry: Unknown"]
    );
}

#[tokio::test]
async fn debug_output_hides_the_key_and_an_invalid_url_is_rejected() {
    let sink = sink("https://api.eu.amplitude.com/");
    let shown = format!("{sink:?}");
    assert!(
        !shown.contains(KEY) && shown.contains("https://api.eu.amplitude.com/2/httpapi"),
        "{shown}"
    );
    for url in ["", "amplitude.com", "file:///etc", "ftp://amplitude.com"] {
        let refused = AmplitudeSink::new(url, SecretString::from(KEY));
        assert!(matches!(refused, Err(SinkError::InvalidUrl)), "{url}");
    }
}

/// Outbox, dispatcher, sink and receiver together.
#[tokio::test]
async fn an_outage_and_an_invalid_key_lose_and_duplicate_nothing() {
    let (outbox, receiver) = (Outbox::new(Engine::Sqlite).await, ScriptedReceiver::start().await);
    let sink = Arc::new(sink(&receiver.url));
    let dispatcher = Dispatcher::new(outbox.test.db.clone(), sink, outbox.clock.clock(), settings());
    outbox.fill(&[1, 2, 1]).await;
    receiver.script([
        Reply::json(500, json!({})),
        Reply::json(400, json!({"code": 400, "error": "Invalid API key"})),
        Reply::json(
            400,
            json!({"code": 400, "error": "Invalid field values on some events",
            "events_with_invalid_fields": {"time": [1]}}),
        ),
    ]);
    let condition = || dispatcher.health().borrow().condition;

    assert_eq!(dispatcher.drain().await.unwrap().retried, 3);
    assert_eq!(condition(), Condition::Failing);
    outbox.clock.advance(SECOND);
    assert_eq!(dispatcher.drain().await.unwrap().retried, 3);
    assert_eq!(condition(), Condition::Misconfigured);
    assert_eq!(
        dispatcher.drain().await.unwrap().claimed,
        0,
        "nothing is sent while the key is invalid"
    );
    outbox.clock.advance(60 * SECOND);
    let report = dispatcher.drain().await.unwrap();
    assert_eq!((report.sent, report.parked), (2, 1));
    assert_eq!(condition(), Condition::Healthy);

    assert_eq!(outbox.entry(2, 2).await.state, OutboxState::Parked);
    assert_eq!(
        outbox.entry(2, 2).await.parked_reason,
        Some(ParkReason::InvalidField("time".to_owned()).to_string())
    );
    let requests = receiver.requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(requests[3], [insert_id(1), insert_id(3)]);
    let events = |body: &str| serde_json::from_str::<Value>(body).unwrap()["events"].clone();
    let bodies = receiver.bodies();
    assert_eq!(
        events(&bodies[0]),
        events(&bodies[2]),
        "each attempt sends the same events"
    );
}
