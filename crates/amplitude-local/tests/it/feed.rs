use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::TestCollector;

/// Reads the messages of a feed.
struct Feed {
    response: Response,
    unread: String,
}

#[derive(Debug, PartialEq)]
struct Message {
    kind: String,
    id: String,
    data: Value,
}

impl Feed {
    async fn open(server: &TestCollector, query: &str, last_event_id: Option<&str>) -> Self {
        let mut request = server.get(&format!("/live?{query}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.expect("a response");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut feed = Self {
            response,
            unread: String::new(),
        };
        // The feed starts with a comment. The client receives all events after it.
        assert_eq!(feed.block().await.trim(), ": open");
        feed
    }

    async fn next(&mut self) -> Message {
        loop {
            let block = self.block().await;
            let field = |name: &str| {
                block
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::trim)
            };
            if let Some(data) = field("data:") {
                return Message {
                    kind: field("event:").unwrap_or_default().to_owned(),
                    id: field("id:").unwrap_or_default().to_owned(),
                    data: serde_json::from_str(data).expect("JSON"),
                };
            }
        }
    }

    async fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let block = block.to_owned();
                self.unread = rest.to_owned();
                return block;
            }
            let chunk = timeout(Duration::from_secs(30), self.response.chunk())
                .await
                .expect("a message in time");
            let chunk = chunk.expect("the feed is open").expect("the feed is open");
            self.unread.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    async fn has_ended(mut self) -> bool {
        timeout(Duration::from_secs(30), self.response.chunk())
            .await
            .expect("the feed ends in time")
            .is_ok_and(|chunk| chunk.is_none())
    }
}

#[tokio::test]
async fn accepted_and_refused_events_are_sent_in_order() {
    let server = TestCollector::start().await;
    server
        .accept(json!([{"event_type": "before", "device_id": "device-1"}]))
        .await;
    let mut feed = Feed::open(&server, "", None).await;
    server
        .accept(json!([{"event_type": "a", "device_id": "device-1"}]))
        .await;
    assert_eq!(
        server
            .upload(json!([{"event_type": " ", "device_id": "device-1"}]))
            .await
            .0,
        400
    );
    server
        .accept(json!([{"event_type": "b", "device_id": "device-2"}]))
        .await;

    let first = feed.next().await;
    assert_eq!(
        (first.kind.as_str(), &first.data["event_type"]),
        ("accepted", &json!("a"))
    );
    let person = server.find("device-1").await;
    assert_eq!(
        server.activity(person).await["events"][0],
        first.data,
        "the same JSON as in useractivity"
    );
    let second = feed.next().await;
    assert_eq!(
        (second.kind.as_str(), &second.data["reasons"]),
        ("refused", &json!(["event_type: blank"]))
    );
    let third = feed.next().await;
    assert_eq!(third.data["event_type"], "b");
    let numbers: Vec<i64> = [&first, &second, &third]
        .iter()
        .map(|message| message.id.parse().unwrap())
        .collect();
    assert!(numbers.is_sorted());

    let mut resumed = Feed::open(&server, "", Some(&first.id)).await;
    assert_eq!(resumed.next().await, second);
    assert_eq!(resumed.next().await, third);
    server.stop().await;
}

#[tokio::test]
async fn a_position_ahead_of_the_state_misses_no_new_events() {
    let server = TestCollector::start().await;
    let mut feed = Feed::open(&server, "", Some("1000000")).await;
    server
        .accept(json!([{"event_type": "a", "device_id": "device-1"}]))
        .await;
    assert_eq!(feed.next().await.data["event_type"], "a");
    server.stop().await;
}

#[tokio::test]
async fn a_feed_can_be_filtered_by_person_and_device() {
    let server = TestCollector::start().await;
    server
        .accept(json!([
            {"event_type": "a", "device_id": "device-1"},
            {"event_type": "b", "device_id": "device-1", "user_id": "user-1"},
            {"event_type": "c", "device_id": "device-2"},
            {"event_type": "d", "user_id": "user-1"},
        ]))
        .await;
    for (query, expected) in [
        ("after=0&user=user-1", vec!["a", "b", "d"]),
        ("after=0&device=device-2", vec!["c"]),
        ("after=0&user=user-1&device=device-2", vec!["a", "b", "c", "d"]),
    ] {
        let mut feed = Feed::open(&server, query, None).await;
        for name in expected {
            assert_eq!(feed.next().await.data["event_type"], name, "{query}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_feed_reports_a_reset_and_ends_with_the_server() {
    let server = TestCollector::start().await;
    let mut feed = Feed::open(&server, "", None).await;
    server.post("/local/reset").send().await.expect("a response");
    assert_eq!(feed.next().await.kind, "reset");
    server
        .accept(json!([{"event_type": "a", "device_id": "device-1"}]))
        .await;
    assert_eq!(feed.next().await.data["event_type"], "a");
    let ((), ended) = tokio::join!(server.stop(), feed.has_ended());
    assert!(ended);
}
