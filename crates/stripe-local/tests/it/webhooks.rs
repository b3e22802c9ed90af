//! Webhooks: order, attempts, switches.

use reqwest::Method;
use serde_json::json;

use crate::{
    receiver::names,
    support::{Server, answer, id},
};

async fn customers(server: &Server, count: usize) {
    for _ in 0..count {
        server.customer().await;
    }
}

fn distinct(events: &[serde_json::Value]) -> usize {
    let mut ids: Vec<&str> = events.iter().map(id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

#[tokio::test]
async fn in_order_and_counted_down() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
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
async fn tried_again_and_given_up() {
    let server = Server::start().await;
    server.hooks.answer_with(&[500, 404]);
    customers(&server, 1).await;
    let events = server.hooks.wait_for(3).await;
    assert_eq!(distinct(&events), 1);

    server.hooks.answer_with(&[500, 500, 500, 500]);
    customers(&server, 1).await;
    let given_up = server.hooks.wait_for(7).await;
    assert_eq!(distinct(&given_up), 2);
    // The next event goes its way.
    customers(&server, 1).await;
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
async fn doubled_lost_and_shuffled() {
    let server = Server::with(stripe_local::Settings {
        seed: Some(7),
        ..stripe_local::Settings::default()
    })
    .await;
    server
        .control("webhooks", json!({"duplicate": 2, "lose_answer": 1}))
        .await;
    customers(&server, 3).await;
    // Two copies, and one more attempt for the lost answer.
    let events = server.hooks.wait_for(6).await;
    assert_eq!(distinct(&events), 3);

    server.control("webhooks", json!({"fail": 2})).await;
    customers(&server, 1).await;
    server.hooks.wait_for(7).await;

    server.control("webhooks", json!({"reorder": 6})).await;
    customers(&server, 5).await;
    assert_eq!(server.hooks.events().len(), 7, "they are held back");
    customers(&server, 1).await;
    let events = server.hooks.wait_for(13).await;
    let made = server.get("/v1/events?limit=6").await;
    let made: Vec<&str> = made["data"].as_array().unwrap().iter().rev().map(id).collect();
    let arrived: Vec<&str> = events[7..].iter().map(id).collect();
    assert_ne!(arrived, made);
    assert_eq!(distinct(&events[7..]), 6);

    server.control("webhooks", json!({"reorder": 6})).await;
    customers(&server, 1).await;
    server.control("webhooks/release", json!({})).await;
    server.hooks.wait_for(14).await;

    server.control("webhooks", json!({"delay_ms": 5000})).await;
    customers(&server, 1).await;
    let log = server.get("/_sim/webhooks").await;
    assert_eq!(log["deliveries"][0]["state"], "waiting");
    server.pass(5);
    server.hooks.wait_for(15).await;
    let (status, body) = answer(
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
async fn endpoints_of_ones_own() {
    let server = Server::start().await;
    let form = [
        ("url", "http://127.0.0.1:9/hook"),
        ("enabled_events[]", "product.created"),
    ];
    let made = server.post("/v1/webhook_endpoints", &form).await;
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = format!("/v1/webhook_endpoints/{}", id(&made));
    assert_eq!(server.get(&path).await.get("secret"), None);
    server.post(&path, &[("disabled", "true")]).await;
    assert_eq!(server.get(&path).await["status"], "disabled");
    server.delete(&path, &[]).await;
    assert_eq!(server.refused(Method::GET, &path, &[]).await.0, 404);
    let abroad = [("url", "https://example.com/hook"), ("enabled_events[]", "*")];
    let (status, error) = server
        .refused(Method::POST, "/v1/webhook_endpoints", &abroad)
        .await;
    assert_eq!((status, &error["param"]), (400, &json!("url")));
    server.stop().await;
}
