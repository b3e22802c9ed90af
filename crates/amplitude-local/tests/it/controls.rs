use std::time::Duration;

use amplitude_local::{CollectorSettings, ServeError, open, serve};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::support::{KEY, TestCollector, names, send};

fn event(insert_id: &str) -> Value {
    json!([{"event_type": "a", "user_id": "user-1", "device_id": "device-1", "insert_id": insert_id}])
}

#[tokio::test]
async fn switches_apply_and_are_used_up() {
    let server = TestCollector::start().await;
    let throttled = json!({
        "code": 429, "error": "Too many requests for some devices and users", "eps_threshold": 30,
        "throttled_devices": {"device-1": 31}, "throttled_users": {"user-1": 31}, "throttled_events": [0],
    });
    let rows = [
        (json!(429), 429, throttled),
        (
            json!(413),
            413,
            json!({"code": 413, "error": "Payload too large"}),
        ),
        (json!(403), 403, json!({"code": 403, "error": "Forbidden"})),
        (json!(500), 500, Value::Null),
        (json!(503), 503, Value::Null),
        (
            json!("invalid-api-key"),
            400,
            json!({"code": 400, "error": "Invalid API key: rejected by a fault switch"}),
        ),
    ];
    for (switch, status, body) in rows {
        let set = server
            .post("/local/faults")
            .json(&json!({"answer": switch, "count": 1}));
        assert_eq!(send(set).await.0, 200);
        assert_eq!(server.upload(event("insert-1")).await, (status, body), "{switch}");
    }
    assert_eq!(server.json("/local/faults").await, json!({"faults": []}));
    assert_eq!(server.json("/local/events").await["events"], json!([]));
    server.accept(event("insert-1")).await;

    let raw = server.json("/local/raw?insert_id=insert-1").await;
    let statuses: Vec<_> = raw["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["answered"].as_i64().unwrap())
        .collect();
    assert_eq!(statuses, [429, 413, 403, 500, 503, 400, 200]);
    server.stop().await;
}

#[tokio::test]
async fn a_response_can_be_lost_after_the_events_are_stored() {
    let server = TestCollector::start().await;
    let set = server
        .post("/local/faults")
        .json(&json!([{"answer": 500, "count": 1, "after_ingest": true}]));
    assert_eq!(send(set).await.0, 200);
    assert_eq!(server.upload(event("insert-1")).await.0, 500);
    server.accept(event("insert-1")).await;
    assert_eq!(names(&server.json("/local/events").await["events"]), ["a"]);
    let raw = server.json("/local/raw?insert_id=insert-1").await;
    let rows: Vec<_> = raw["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["outcome"], &row["answered"]))
        .collect();
    assert_eq!(
        rows,
        [
            (&json!("accepted"), &json!(500)),
            (&json!("duplicate"), &json!(200))
        ]
    );
    server.stop().await;
}

#[tokio::test]
async fn an_upload_is_processed_when_its_sender_is_gone() {
    let server = TestCollector::start().await;
    let set = server
        .post("/local/faults")
        .json(&json!([{"answer": "slow", "ms": 300, "count": 1}]));
    assert_eq!(send(set).await.0, 200);
    // Dropping the request closes its connection.
    tokio::select! {
        (status, _) = server.upload(event("insert-1")) => panic!("a slow upload got {status}"),
        () = async {
            while server.json("/local/faults").await["faults"] != json!([]) {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    let arrival = async {
        loop {
            let raw = server.json("/local/raw?insert_id=insert-1").await;
            if let Some(row) = raw["deliveries"].get(0) {
                return row.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let row = timeout(Duration::from_secs(10), arrival)
        .await
        .expect("the upload is logged");
    assert_eq!(
        (&row["outcome"], &row["answered"]),
        (&json!("accepted"), &json!(200))
    );
    server.stop().await;
}

#[tokio::test]
async fn an_upload_that_ends_early_is_invalid() {
    let server = TestCollector::start().await;
    let address = server.url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /2/httpapi HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{{"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    drop(connection);
    let refused = async {
        loop {
            let list = server.json("/local/refused").await["refused"].clone();
            if list != json!([]) {
                return list;
            }
            tokio::task::yield_now().await;
        }
    };
    let list = timeout(Duration::from_secs(10), refused)
        .await
        .expect("the upload is logged");
    assert_eq!(list[0]["answered"], 400, "{list}");
    server.stop().await;
}

#[tokio::test]
async fn hanging_requests_end_when_the_switches_are_replaced() {
    let server = TestCollector::start().await;
    let set = server
        .post("/local/faults")
        .json(&json!({"answer": "hang", "count": 1}));
    assert_eq!(send(set).await.0, 200);
    let release = async {
        // The delivery is logged when the request starts to hang.
        while server.json("/local/raw?insert_id=insert-1").await["deliveries"] == json!([]) {
            tokio::task::yield_now().await;
        }
        send(server.post("/local/faults").json(&json!([]))).await
    };
    let (hung, released) = tokio::join!(server.upload(event("insert-1")), release);
    assert_eq!((hung.0, released.0), (504, 200));
    assert_eq!(
        server.json("/local/raw").await["deliveries"][0]["answered"],
        Value::Null
    );
    server.stop().await;
}

#[tokio::test]
async fn invalid_switches_are_explained() {
    let server = TestCollector::start().await;
    for body in [
        "",
        "{",
        "{}",
        r#"{"answer": 200}"#,
        r#"{"answer": 429, "cuont": 1}"#,
    ] {
        let (status, response) = send(server.post("/local/faults").body(body)).await;
        assert_eq!(status, 400, "{body}");
        assert!(
            response["error"].as_str().unwrap().contains("\"answer\": 429"),
            "{response}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_reset_deletes_people_events_and_logs() {
    let server = TestCollector::start().await;
    server.accept(event("insert-1")).await;
    assert_eq!(server.upload(json!([{"event_type": "a"}])).await.0, 400);
    assert_eq!(send(server.post("/local/reset")).await.0, 200);
    for (path, key) in [
        ("/local/people", "people"),
        ("/local/events", "events"),
        ("/local/refused", "refused"),
        ("/local/raw", "deliveries"),
    ] {
        assert_eq!(server.json(path).await[key], json!([]), "{path}");
    }
    server.accept(event("insert-1")).await;
    assert_eq!(names(&server.json("/local/events").await["events"]), ["a"]);
    server.stop().await;
}

#[tokio::test]
async fn requests_for_other_hosts_and_cross_site_writes_are_rejected() {
    let server = TestCollector::start().await;
    let reset = || server.post("/local/reset");
    for (name, request, expected) in [
        (
            "DNS rebinding",
            server.get("/local/people").header("host", "evil.example:12112"),
            403,
        ),
        (
            "DNS rebinding, ingestion",
            server.post("/2/httpapi").header("host", "evil.example"),
            403,
        ),
        (
            "localhost",
            server.get("/local/people").header("host", "localhost:12112"),
            200,
        ),
        (
            "cross-site page",
            reset().header("sec-fetch-site", "cross-site"),
            403,
        ),
        (
            "same-site page",
            reset().header("sec-fetch-site", "same-site"),
            403,
        ),
        (
            "foreign origin",
            reset().header("origin", "http://localhost:3000"),
            403,
        ),
        (
            "own page",
            reset()
                .header("sec-fetch-site", "same-origin")
                .header("origin", server.url.as_str()),
            200,
        ),
        ("a program", reset(), 200),
    ] {
        let (status, body) = send(request).await;
        assert_eq!(status, expected, "{name}: {body}");
    }
    let cross_site_upload = server
        .post("/2/httpapi")
        .header("origin", "http://localhost:3000")
        .header("sec-fetch-site", "cross-site");
    let body = json!({"api_key": KEY, "events": event("insert-1")});
    assert_eq!(
        send(cross_site_upload.json(&body)).await.0,
        200,
        "browser SDKs send events cross-site"
    );
    server.stop().await;
}

#[tokio::test]
async fn only_a_loopback_listener_is_served() {
    let collector = open(CollectorSettings::default())
        .await
        .expect("the collector opens");
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a free port");
    let refused = serve(listener, collector, std::future::pending()).await;
    assert!(matches!(refused, Err(ServeError::NotLoopback(_))), "{refused:?}");
}

#[tokio::test]
async fn the_index_page_and_unknown_paths() {
    let server = TestCollector::start().await;
    let page = server.get("/").send().await.expect("a response");
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(page.text().await.expect("a page").contains("amplitude-local"));
    assert_eq!(send(server.get("/nothing")).await.0, 404);
    let (status, body) = send(server.post("/2/httpapi/").json(&json!({}))).await;
    assert_eq!(
        (status, body),
        (400, json!({"code": 400, "error": "Invalid request path"}))
    );
    server.stop().await;
}

#[tokio::test]
async fn case_22_apis_that_are_not_implemented_are_named() {
    let server = TestCollector::start().await;
    for (path, named) in [
        ("/groupidentify", "Group Identify"),
        ("/httpapi", "HTTP V2"),
        ("/", "HTTP V2"),
    ] {
        let form = [("client", "0123456789abcdef0123456789abcdef"), ("e", "[]")];
        let response = server.post(path).form(&form).send().await.unwrap();
        assert_eq!(response.status(), 400, "{path}");
        let text = response.text().await.unwrap();
        assert!(text.contains(named), "{path}: {text}");
    }
    server.stop().await;
}
