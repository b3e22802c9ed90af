//! Any webhook, with anything fetched for it, is mapped or rejected. The events' revenue is what the webhook says.

use super::scenarios::SCENARIOS;
use super::*;

const TOKENS: [&str; 6] = ["null", "\"\"", "{", "[", ",", "\"id\":"];

/// A webhook and the mapping's input, as one JSON object.
fn input_json(step: &simulation::RecordedWebhook) -> Value {
    json!({
        "webhook": step.webhook,
        "fetched": step.input.fetched,
        "paid": step.input.paid,
        "refunded": step.input.refunded,
        "received": step.input.received,
    })
}

fn corpus() -> Vec<String> {
    let steps = SCENARIOS.iter().flat_map(|(_, simulate, _)| simulate().steps());
    steps.map(|step| input_json(&step).to_string()).collect()
}

fn map(input: &Value) -> Option<Vec<Value>> {
    let event = StripeEvent::read(&input["webhook"]).ok()?;
    let (subject, _) = (subject(&event), event.customer());
    let json = InputJson {
        fetched: input["fetched"].clone(),
        paid: input["paid"].as_array().cloned().unwrap_or_default(),
        refunded: input["refunded"].as_str().map(str::to_owned),
        received: input["received"].as_array().cloned().unwrap_or_default(),
        visits: vec![visit_at(event.created.clamp(0, START))],
    };
    let events = json.map(&input["webhook"]).ok()?;
    assert!(
        events.is_empty() || matches!(subject, Ok(Some(_))),
        "events of a webhook without a subject"
    );
    Some(events.iter().map(ServerEvent::to_wire).collect())
}

fn check_revenue(kind: &str, events: &[Value]) {
    for event in events {
        let revenue = event["revenue"].as_f64().unwrap_or_default();
        match (kind, event["event_type"].as_str()) {
            ("invoice.paid" | "customer.subscription.updated" | "customer.subscription.resumed", _) => {
                assert!(revenue >= 0.0, "{event}");
            }
            ("charge.dispute.closed", Some("Subscription dispute")) => assert!(revenue <= 0.0, "{event}"),
            ("refund.created" | "refund.updated", Some("Subscription refund")) => {
                assert!(revenue <= 0.0, "{event}");
            }
            ("refund.failed", Some("Subscription refund")) => assert!(revenue >= 0.0, "{event}"),
            _ => assert!(event.get("revenue").is_none(), "{kind}: {event}"),
        }
    }
    let paying = events.iter().filter(|event| event.get("revenue").is_some());
    assert!(paying.count() <= 1, "one payment is counted once");
}

#[test]
fn webhook_events() {
    fuzzing::fuzz("webhook_events", &TOKENS, &corpus(), |input| {
        let Ok(input) = serde_json::from_slice::<Value>(input) else {
            return false;
        };
        let Some(events) = map(&input) else {
            return false;
        };
        check_revenue(input["webhook"]["type"].as_str().unwrap_or_default(), &events);
        let mut ids: Vec<_> = events
            .iter()
            .map(|event| event["insert_id"].to_string())
            .collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), events.len(), "insert IDs differ");
        for event in &events {
            assert_eq!(
                event["user_id"],
                json!(account().to_string()),
                "the account is the customer's"
            );
        }
        assert_eq!(map(&input), Some(events), "mapped again");
        true
    });
}
