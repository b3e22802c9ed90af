//! Webhooks: order, retries and switches.

use reqwest::Method;
use serde_json::json;

use crate::{
    receiver::names,
    test_server::{TestServer, id, send},
};

async fn create_customers(server: &TestServer, count: usize) {
    for _ in 0..count {
        server.customer().await;
    }
}

fn distinct_ids(events: &[serde_json::Value]) -> usize {
    let mut ids: Vec<&str> = events.iter().map(id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

#[tokio::test]
async fn webhooks_arrive_in_order_with_pending_counts() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    server.subscribe(&customer, &[]).await;
    let history = server.history().await;
    let events = server.hooks.wait_for(history.len()).await;
    assert_eq!(names(&events), history);
    assert!(events.iter().all(|event| event["pending_webhooks"] == 1));
    let created = events
        .iter()
        .find(|event| event["type"] == "customer.created")
        .unwrap();
    assert!(created["request"]["id"].as_str().unwrap().starts_with("req_"));
    server.stop().await;
}

#[tokio::test]
async fn failed_deliveries_are_retried_and_given_up() {
    let server = TestServer::start().await;
    server.hooks.respond_with(&[500, 404]);
    create_customers(&server, 1).await;
    let events = server.hooks.wait_for(3).await;
    assert_eq!(distinct_ids(&events), 1);

    server.hooks.respond_with(&[500, 500, 500, 500]);
    create_customers(&server, 1).await;
    let given_up = server.hooks.wait_for(7).await;
    assert_eq!(distinct_ids(&given_up), 2);
    // The next event is delivered.
    create_customers(&server, 1).await;
    let event = server.hooks.wait_for(8).await.pop().unwrap();
    let log = server.get("/_sim/webhooks").await;
    let states: Vec<&str> = log["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .take(2)
        .filter_map(|delivery| delivery["state"].as_str())
        .collect();
    assert_eq!(states, ["delivered", "given_up"]);
    let resent = server
        .control("webhooks/resend", json!({"event": id(&event)}))
        .await;
    assert_eq!(resent["endpoints"].as_array().map(Vec::len), Some(1));
    let again = server.hooks.wait_for(9).await.pop().unwrap();
    assert_eq!(again["id"], event["id"]);
    server.stop().await;
}

#[tokio::test]
async fn switches_duplicate_fail_drop_reorder_and_delay() {
    let server = TestServer::start_with(stripe_local::StripeStandInSettings {
        seed: Some(7),
        ..stripe_local::StripeStandInSettings::default()
    })
    .await;
    server
        .control("webhooks", json!({"duplicate": 2, "lose_answer": 1}))
        .await;
    create_customers(&server, 3).await;
    // Two copies, and one retry for the lost response.
    let events = server.hooks.wait_for(6).await;
    assert_eq!(distinct_ids(&events), 3);

    server.control("webhooks", json!({"fail": 2})).await;
    create_customers(&server, 1).await;
    server.hooks.wait_for(7).await;

    server.control("webhooks", json!({"reorder": 6})).await;
    create_customers(&server, 5).await;
    assert_eq!(server.hooks.events().len(), 7, "the deliveries are held back");
    create_customers(&server, 1).await;
    let events = server.hooks.wait_for(13).await;
    let created = server.get("/v1/events?limit=6").await;
    let created: Vec<&str> = created["data"].as_array().unwrap().iter().rev().map(id).collect();
    let arrived: Vec<&str> = events[7..].iter().map(id).collect();
    assert_ne!(arrived, created);
    assert_eq!(distinct_ids(&events[7..]), 6);

    server.control("webhooks", json!({"reorder": 6})).await;
    create_customers(&server, 1).await;
    server.control("webhooks/release", json!({})).await;
    server.hooks.wait_for(14).await;

    server.control("webhooks", json!({"delay_ms": 5000})).await;
    create_customers(&server, 1).await;
    let log = server.get("/_sim/webhooks").await;
    assert_eq!(log["deliveries"][0]["state"], "waiting");
    server.advance_wall_clock(5);
    server.hooks.wait_for(15).await;
    let (status, body) = send(
        server
            .client
            .post(format!("{}/_sim/webhooks", server.url))
            .json(&json!({"x": 1})),
    )
    .await;
    assert_eq!(status, 400, "{body}");
    server.stop().await;
}

#[tokio::test]
async fn endpoints_are_created_changed_and_deleted() {
    let server = TestServer::start().await;
    let form = [
        ("url", "http://127.0.0.1:9/hook"),
        ("enabled_events[]", "product.created"),
    ];
    let created = server.post("/v1/webhook_endpoints", &form).await;
    assert!(created["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = format!("/v1/webhook_endpoints/{}", id(&created));
    assert_eq!(server.get(&path).await.get("secret"), None);
    server.post(&path, &[("disabled", "true")]).await;
    assert_eq!(server.get(&path).await["status"], "disabled");
    server.delete(&path, &[]).await;
    assert_eq!(server.expect_error(Method::GET, &path, &[]).await.0, 404);
    let foreign = [("url", "https://example.com/hook"), ("enabled_events[]", "*")];
    let (status, error) = server
        .expect_error(Method::POST, "/v1/webhook_endpoints", &foreign)
        .await;
    assert_eq!((status, &error["param"]), (400, &json!("url")));
    server.stop().await;
}
