//! Compares a user's timeline with the reference timeline, which met no kill. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::timeline::NormalizedEvent;
use super::violation::TrialViolation;

/// Returns the differences between a timeline and the reference timeline.
pub(super) fn compare(
    email: &str,
    timeline: &[NormalizedEvent],
    reference: &[NormalizedEvent],
) -> Vec<TrialViolation> {
    let email = email.to_owned();
    let mut violations = Vec::new();
    let mut left: Vec<&NormalizedEvent> = timeline.iter().collect();
    for expected in reference {
        let found = left
            .iter()
            .position(|event| event.name == expected.name && event.insert_id == expected.insert_id)
            .or_else(|| left.iter().position(|event| event.name == expected.name));
        match found {
            None => violations.push(TrialViolation::Missing {
                email: email.clone(),
                name: expected.name.clone(),
            }),
            Some(index) => {
                let event = left.remove(index);
                if event != expected {
                    violations.push(TrialViolation::Different {
                        email: email.clone(),
                        name: event.name.clone(),
                        actual: differing_fields(event, expected),
                        expected: differing_fields(expected, event),
                    });
                }
            }
        }
    }
    violations.extend(left.into_iter().map(|event| TrialViolation::Unexpected {
        email: email.clone(),
        name: event.name.clone(),
        insert_id: event.insert_id.clone(),
    }));
    let order = |timeline: &[NormalizedEvent]| {
        timeline
            .iter()
            .map(|event| event.name.clone())
            .collect::<Vec<_>>()
    };
    if violations.is_empty() && order(timeline) != order(reference) {
        violations.push(TrialViolation::Order {
            email,
            order: order(timeline),
        });
    }
    violations
}

/// Returns the fields of `event` that differ from `other`, as text.
fn differing_fields(event: &NormalizedEvent, other: &NormalizedEvent) -> String {
    let fields = |event: &NormalizedEvent| {
        let mut fields = BTreeMap::from([
            ("insert ID".to_owned(), event.insert_id.clone()),
            ("user".to_owned(), event.user.clone()),
            ("device".to_owned(), event.device.clone()),
            ("session".to_owned(), event.session.clone()),
        ]);
        if let Value::Object(properties) = &event.properties {
            fields.extend(
                properties
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_string())),
            );
        }
        fields
    };
    let others = fields(other);
    let different = fields(event)
        .into_iter()
        .filter(|(field, value)| others.get(field) != Some(value))
        .map(|(field, value)| format!("{field} {value}"))
        .collect::<Vec<_>>();
    if different.is_empty() {
        "no further fields".to_owned()
    } else {
        different.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::timeline::{IdRoles, revenue_minor, timeline_of};
    use super::*;

    fn events(user: &str, device: &str, subscription: &str) -> Vec<Value> {
        vec![
            json!({
                "event_type": "Trial converted", "$insert_id": format!("trial-converted:{subscription}"),
                "user_id": user, "device_id": "made-up", "session_id": -1,
                "client_event_time": "2026-11-24 12:00:02.000000", "local": {"derived_device": true},
                "event_properties": {"amount_minor": 1200, "$revenue": 12.0, "stitched_by": "none by rule"},
            }),
            json!({
                "event_type": "Trial started", "$insert_id": format!("trial-started:{subscription}"),
                "user_id": user, "device_id": device, "session_id": 17,
                "client_event_time": "2026-11-24 12:00:01.000000", "local": {"derived_device": false},
                "event_properties": {"click": "c", "stitched_by": "checkout handoff"},
            }),
        ]
    }

    fn timeline(
        user: &str,
        device: &str,
        subscription: &str,
        change: impl FnOnce(&mut Vec<Value>),
    ) -> Vec<NormalizedEvent> {
        let mut roles = IdRoles::default();
        roles.add("user", user);
        roles.add("device", device);
        roles.add("subscription", subscription);
        roles.add("empty", "");
        let mut events = events(user, device, subscription);
        events.push(json!({"event_type": "Sign-up completed", "user_id": "another user"}));
        change(&mut events);
        timeline_of(&events, &roles)
    }

    fn compare_with_ada(change: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
        let ada = timeline("user-a", "device-a", "sub_a", |_| ());
        let bob = timeline("user-b", "device-b", "sub_b", change);
        compare("bob", &bob, &ada)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn two_users_who_did_the_same_have_equal_timelines() {
        let timeline = timeline("user-a", "device-a", "sub_a", |_| ());
        let names: Vec<&str> = timeline.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, ["Trial started", "Trial converted"]);
        assert_eq!(timeline[0].insert_id, "trial-started:<subscription>");
        assert_eq!(
            (timeline[0].device.as_str(), timeline[1].device.as_str()),
            ("<device>", "none")
        );
        assert_eq!(revenue_minor(&timeline), 1200);
        assert_eq!(compare_with_ada(|_| ()), [""; 0]);
    }

    #[test]
    fn each_difference_is_found() {
        type Change = fn(&mut Vec<Value>);
        let rows: [(Change, &str); 7] = [
            (
                |events| drop(events.remove(0)),
                "bob: Trial converted never arrived",
            ),
            (
                |events| events.push(events[0].clone()),
                "bob: Trial converted (trial-converted:<subscription>) is unexpected",
            ),
            (
                |events| events[1]["device_id"] = json!("another"),
                "bob: Trial started has device another; without kills it has device <device>",
            ),
            (
                |events| events[1]["session_id"] = json!(-1),
                "bob: Trial started has session -1; without kills it has session 17",
            ),
            (
                |events| events[1]["event_properties"]["stitched_by"] = json!("stale handoff"),
                r#"bob: Trial started has stitched_by "stale handoff"; without kills it has stitched_by "checkout handoff""#,
            ),
            (
                |events| events[0]["$insert_id"] = json!("trial-converted:other"),
                "bob: Trial converted has insert ID trial-converted:other; without kills it has insert ID trial-converted:<subscription>",
            ),
            (
                |events| events[0]["client_event_time"] = json!("2026-11-24 12:00:00.000000"),
                r#"bob: the events happened in the order ["Trial converted", "Trial started"]"#,
            ),
        ];
        for (change, expected) in rows {
            assert_eq!(compare_with_ada(change), [expected]);
        }
    }
}
