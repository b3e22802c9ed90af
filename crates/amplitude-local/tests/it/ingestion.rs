use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::support::{KEY, START_MS, TestCollector, names, send};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(text.as_bytes())
        .expect("writing to memory succeeds");
    encoder.finish().expect("writing to memory succeeds")
}

#[tokio::test]
async fn a_valid_upload_gets_amplitudes_response() {
    let server = TestCollector::start().await;
    let body = json!({"api_key": KEY, "events": [
        {"device_id": "device-1", "event_type": "a"}, {"device_id": "device-1", "event_type": "b"},
    ]})
    .to_string();
    let request = server
        .post("/2/httpapi")
        .header("content-type", "application/json")
        .body(body.clone());
    let response = request.send().await.expect("a response");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(
        response.json::<Value>().await.expect("JSON"),
        json!({
            "code": 200, "events_ingested": 2, "payload_size_bytes": body.len(), "server_upload_time": START_MS,
        })
    );
    server.stop().await;
}

#[tokio::test]
async fn one_invalid_event_refuses_the_whole_request() {
    let server = TestCollector::start().await;
    let (status, body) = server
        .upload(json!([
            {"device_id": "device-1", "event_type": "good", "insert_id": "good-1"},
            {"device_id": "device-1", "event_type": "late", "time": "2023-11-14T22:13:20Z"},
        ]))
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        json!({
            "code": 400, "error": "Invalid field values on some events",
            "events_with_invalid_fields": {"time": [1]},
        })
    );
    assert_eq!(server.json("/local/events").await["events"], json!([]));
    let refused = server.json("/local/refused").await;
    assert_eq!(names(&refused["refused"]), ["late"]);
    assert_eq!(
        refused["refused"][0]["reasons"],
        json!(["time: milliseconds since the Unix epoch are required"])
    );
    assert_eq!(
        server.json("/local/raw?insert_id=good-1").await["deliveries"][0]["outcome"],
        "withheld"
    );
    server.stop().await;
}

#[tokio::test]
async fn content_types_encodings_and_sizes() {
    let server = TestCollector::start().await;
    let valid = json!({"api_key": KEY, "events": [{"device_id": "device-1", "event_type": "a"}]}).to_string();
    let bomb = format!("{valid}{}", " ".repeat(1 << 20));
    let rows = [
        (
            "beacon",
            "text/plain;charset=UTF-8",
            valid.clone().into_bytes(),
            None,
            200,
        ),
        ("gzip", "application/json", gzip(&valid), Some("gzip"), 200),
        (
            "form",
            "application/x-www-form-urlencoded",
            valid.clone().into_bytes(),
            None,
            400,
        ),
        (
            "not gzip",
            "application/json",
            valid.clone().into_bytes(),
            Some("gzip"),
            400,
        ),
        (
            "brotli",
            "application/json",
            valid.clone().into_bytes(),
            Some("br"),
            400,
        ),
        ("empty", "application/json", Vec::new(), None, 400),
        (
            "malformed",
            "application/json",
            b"{\"api_key\"".to_vec(),
            None,
            400,
        ),
        (
            "over a megabyte",
            "application/json",
            bomb.clone().into_bytes(),
            None,
            413,
        ),
        (
            "over a megabyte after decompression",
            "application/json",
            gzip(&bomb),
            Some("gzip"),
            413,
        ),
    ];
    for (name, content_type, body, encoding, expected) in rows {
        let mut request = server
            .post("/2/httpapi")
            .header("content-type", content_type)
            .body(body);
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let (status, body) = send(request).await;
        assert_eq!(
            (status, &body["code"]),
            (expected, &json!(expected)),
            "{name}: {body}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_batch_may_be_twenty_megabytes() {
    let server = TestCollector::start().await;
    let events: Vec<Value> = (0..2000)
        .map(|n| json!({"device_id": "device-1", "event_type": "a", "event_properties": {"text": format!("{n:0>900}")}}))
        .collect();
    let request = json!({"api_key": KEY, "events": events});
    assert_eq!(send(server.post("/2/httpapi").json(&request)).await.0, 413);
    let (status, body) = send(server.post("/batch").json(&request)).await;
    assert_eq!((status, &body["events_ingested"]), (200, &json!(2000)));
    server.stop().await;
}

#[tokio::test]
async fn duplicates_are_ignored_for_seven_days_per_device() {
    let server = TestCollector::start().await;
    let event = |device: &str| json!([{"device_id": device, "event_type": "a", "insert_id": "insert-1"}]);
    let stored = || async {
        server.json("/local/events?insert_id=insert-1").await["events"]
            .as_array()
            .map(Vec::len)
    };
    server.accept(event("device-1")).await;
    server.accept(event("device-1")).await;
    assert_eq!(stored().await, Some(1));
    server.accept(event("device-2")).await;
    assert_eq!(stored().await, Some(2));
    server.advance(7 * 24 * 3_600_000 - 1);
    server.accept(event("device-1")).await;
    assert_eq!(stored().await, Some(2));
    server.advance(1);
    server.accept(event("device-1")).await;
    assert_eq!(stored().await, Some(3));

    let raw = server.json("/local/raw?insert_id=insert-1").await;
    let outcomes: Vec<_> = raw["deliveries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|delivery| {
            (
                delivery["device_id"].as_str().unwrap(),
                delivery["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("device-1", "accepted"),
            ("device-1", "duplicate"),
            ("device-2", "accepted"),
            ("device-1", "duplicate"),
            ("device-1", "accepted"),
        ]
    );
    server.stop().await;
}

#[tokio::test]
async fn duplicates_within_one_request_are_ignored() {
    let server = TestCollector::start().await;
    let event = json!({"user_id": "user-1", "event_type": "a", "insert_id": "insert-1"});
    server.accept(json!([event, event])).await;
    assert_eq!(names(&server.json("/local/events").await["events"]), ["a"]);
    server.stop().await;
}

#[tokio::test]
async fn identify_takes_effect_with_the_next_event() {
    let server = TestCollector::start().await;
    server
        .accept(json!([{"user_id": "user-1", "event_type": "a", "user_properties": {"plan": "free"}}]))
        .await;
    let identification =
        json!([{"user_id": "user-1", "user_properties": {"$set": {"plan": "pro"}}}]).to_string();
    let form = [("api_key", KEY), ("identification", identification.as_str())];
    assert_eq!(
        send(server.post("/identify").form(&form)).await,
        (200, json!("success"))
    );

    let person = server.find("user-1").await;
    assert_eq!(
        server.activity(person).await["userData"]["properties"],
        json!({"plan": "free"})
    );
    server
        .accept(json!([{"user_id": "user-1", "event_type": "b"}]))
        .await;
    let activity = server.activity(person).await;
    assert_eq!(activity["userData"]["properties"], json!({"plan": "pro"}));
    assert_eq!(activity["userData"]["num_events"], 2);
    let snapshots: Vec<_> = activity["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["user_properties"])
        .collect();
    assert_eq!(snapshots, [&json!({"plan": "pro"}), &json!({"plan": "free"})]);
    server.stop().await;
}

#[tokio::test]
async fn invalid_identifications_are_refused() {
    let server = TestCollector::start().await;
    let rows = [
        ("no identification", vec![("api_key", KEY)], "missing_event"),
        (
            "invalid JSON",
            vec![("api_key", KEY), ("identification", "x")],
            "missing_event",
        ),
        (
            "invalid key",
            vec![("api_key", "x"), ("identification", "{}")],
            "invalid_api_key",
        ),
    ];
    for (name, form, text) in rows {
        assert_eq!(
            send(server.post("/identify").form(&form)).await,
            (400, json!(text)),
            "{name}"
        );
    }
    let without_id = [
        ("api_key", KEY),
        ("identification", r#"{"user_properties": {"a": 1}}"#),
    ];
    let (status, body) = send(server.post("/identify").form(&without_id)).await;
    assert_eq!(
        (status, &body["events_with_missing_fields"]["user_id"]),
        (400, &json!([0]))
    );
    assert_eq!(send(server.get("/identify")).await.0, 405);
    server.stop().await;
}

#[tokio::test]
async fn cors_preflight_requests_succeed() {
    let server = TestCollector::start().await;
    let request = server
        .client
        .request(reqwest::Method::OPTIONS, format!("{}/2/httpapi", server.url));
    let response = request
        .header("origin", "http://localhost:3000")
        .send()
        .await
        .expect("a response");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    server.stop().await;
}

#[tokio::test]
async fn times_addresses_and_device_fields_are_filled_in() {
    let server = TestCollector::start().await;
    // The client's clock is two hours ahead.
    let body = json!({
        "api_key": KEY,
        "client_upload_time": "2023-11-15T00:13:20.000Z",
        "events": [{
            "device_id": "device-1", "event_type": "a", "time": START_MS + 7_200_000 - 500, "ip": "$remote",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36",
            "language": "de-AT", "platform": "Web",
        }],
    });
    let request = server
        .post("/2/httpapi")
        .header("x-forwarded-for", "203.0.113.7")
        .json(&body);
    assert_eq!(send(request).await.0, 200);
    let event = &server.json("/local/events").await["events"][0];
    let expected = json!({
        "event_time": "2023-11-14 22:13:19.500000",
        "client_event_time": "2023-11-15 00:13:19.500000",
        "client_upload_time": "2023-11-15 00:13:20.000000",
        "server_received_time": "2023-11-14 22:13:20.000000",
        "ip_address": "203.0.113.7",
        "os_name": "Chrome",
        "os_version": "149",
        "device_family": "Linux",
        "language": "German",
        "platform": "Web",
        "session_id": -1,
        "user_id": null,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&event[key], value, "{key}");
    }
    server.stop().await;
}

#[tokio::test]
async fn revenue_beyond_the_range_of_numbers_leaves_the_person_readable() {
    let server = TestCollector::start().await;
    let event = |price: f64, quantity: i64| json!({"event_type": "a", "user_id": "user-1", "price": price, "quantity": quantity});
    server
        .accept(json!([
            event(1e308, 100),
            event(-1e308, 100),
            event(1e308, 1),
            event(1e308, 1)
        ]))
        .await;
    let properties = json!({"$price": 1e308, "$quantity": 100});
    server
        .accept(json!([{"event_type": "a", "user_id": "user-1", "event_properties": properties}]))
        .await;
    let activity = server.activity(server.find("user-1").await).await;
    assert_eq!(activity["userData"]["revenue"], json!(f64::MAX));
    server.stop().await;
}
