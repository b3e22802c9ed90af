//! Whether a person's timeline is the same as one without kills. Pure.
//!
//! Two people have different IDs. So each of theirs is called by what it is (`the user`, `the subscription`) wherever it
//! appears in their events; then the stories of two people who did the same are equal, word for word.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::crash::verdict::Offence;

/// What is whose: an ID, and what it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Roles(Vec<(String, String)>);

impl Roles {
    /// Calls every appearance of an ID by a role. Nothing is not an ID.
    pub(super) fn name(&mut self, role: &str, id: &str) {
        if !id.is_empty() {
            self.0.push((id.to_owned(), format!("<{role}>")));
        }
    }

    /// The ID of a role.
    pub(super) fn id_of(&self, role: &str) -> Option<&str> {
        let role = format!("<{role}>");
        self.0
            .iter()
            .find(|(_, name)| *name == role)
            .map(|(id, _)| id.as_str())
    }

    fn tell(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, (id, role)| text.replace(id, role))
    }

    fn tell_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.tell(text)),
            Value::Array(values) => values.iter().map(|value| self.tell_value(value)).collect(),
            Value::Object(properties) => Value::Object(
                properties
                    .iter()
                    .map(|(key, value)| (key.clone(), self.tell_value(value)))
                    .collect::<Map<_, _>>(),
            ),
            other => other.clone(),
        }
    }
}

/// An event of somebody, as anybody's.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) insert_id: String,
    pub(super) user: String,
    pub(super) device: String,
    pub(super) session: String,
    /// `stitched_by` and money among them.
    pub(super) properties: Value,
}

/// The events of the person in the order in which they happened, out of everybody's as the collector has them.
pub(super) fn story(events: &[Value], roles: &Roles) -> Vec<Told> {
    let text = |value: &Value| roles.tell(value.as_str().unwrap_or_default());
    let user = roles.id_of("user").unwrap_or_default();
    let mut of_person: Vec<&Value> = events.iter().filter(|event| event["user_id"] == user).collect();
    // As text the time sorts like the time.
    of_person.sort_by_key(|event| event["client_event_time"].as_str());
    of_person
        .into_iter()
        .map(|event| Told {
            name: text(&event["event_type"]),
            insert_id: text(&event["$insert_id"]),
            user: text(&event["user_id"]),
            device: if event["local"]["derived_device"] == true {
                "none".to_owned()
            } else {
                text(&event["device_id"])
            },
            session: roles.tell(&event["session_id"].to_string()),
            properties: roles.tell_value(&event["event_properties"]),
        })
        .collect()
}

/// Minor units of revenue in the person's events.
pub(super) fn revenue(story: &[Told]) -> i64 {
    let amounts = story
        .iter()
        .filter_map(|event| event.properties["$revenue"].as_f64());
    // The lives are paid in dollars, which have cents.
    #[expect(clippy::cast_possible_truncation, reason = "an amount in cents")]
    amounts.map(|amount| (amount * 100.0).round() as i64).sum()
}

/// A promise to a person that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// In the story without kills it is there.
    #[error("{email}: {name} never arrived")]
    Missing {
        /// Who.
        email: String,
        /// The event.
        name: String,
    },
    /// In the story without kills it is not there, or less often.
    #[error("{email}: {name} ({insert_id}) should not be there")]
    Unfounded {
        /// Who.
        email: String,
        /// The event.
        name: String,
        /// Its insert ID, with roles for IDs.
        insert_id: String,
    },
    /// It says something else.
    #[error("{email}: {name} has {here}; without kills it has {there}")]
    Different {
        /// Who.
        email: String,
        /// The event.
        name: String,
        /// What is different, here.
        here: String,
        /// And in the story without kills.
        there: String,
    },
    /// All is there, in another order of time.
    #[error("{email}: the events happened in the order {order:?}")]
    Order {
        /// Who.
        email: String,
        /// Names.
        order: Vec<String>,
    },
    /// Revenue is not the money that moved.
    #[error("{email}: revenue is {revenue}, and Stripe has {money} (minor units)")]
    Money {
        /// Who.
        email: String,
        /// In the collector.
        revenue: i64,
        /// At Stripe.
        money: i64,
    },
    /// It was stored, and not applied.
    #[error("webhook {id} is {state}")]
    Webhook {
        /// Stripe's event.
        id: String,
        /// How it stands.
        state: String,
    },
    /// A promise of any event's delivery.
    #[error(transparent)]
    Delivery(Offence),
    /// Nobody has one subscription of theirs.
    #[error("{email}: Stripe has no customer, or no subscription, or more than one")]
    NotOne {
        /// Who.
        email: String,
    },
}

/// What is wrong with a person's story, beside the one without kills.
pub(super) fn compare(email: &str, here: &[Told], there: &[Told]) -> Vec<Broken> {
    let email = email.to_owned();
    let mut broken = Vec::new();
    let mut left: Vec<&Told> = here.iter().collect();
    for expected in there {
        let found = left
            .iter()
            .position(|event| event.name == expected.name && event.insert_id == expected.insert_id)
            .or_else(|| left.iter().position(|event| event.name == expected.name));
        match found {
            None => broken.push(Broken::Missing {
                email: email.clone(),
                name: expected.name.clone(),
            }),
            Some(index) => {
                let event = left.remove(index);
                if event != expected {
                    broken.push(Broken::Different {
                        email: email.clone(),
                        name: event.name.clone(),
                        here: said(event, expected),
                        there: said(expected, event),
                    });
                }
            }
        }
    }
    broken.extend(left.into_iter().map(|event| Broken::Unfounded {
        email: email.clone(),
        name: event.name.clone(),
        insert_id: event.insert_id.clone(),
    }));
    let order = |story: &[Told]| story.iter().map(|event| event.name.clone()).collect::<Vec<_>>();
    if broken.is_empty() && order(here) != order(there) {
        broken.push(Broken::Order {
            email,
            order: order(here),
        });
    }
    broken
}

/// What an event says otherwise than the other one.
fn said(event: &Told, other: &Told) -> String {
    let fields = |told: &Told| {
        let mut fields = BTreeMap::from([
            ("insert ID".to_owned(), told.insert_id.clone()),
            ("user".to_owned(), told.user.clone()),
            ("device".to_owned(), told.device.clone()),
            ("session".to_owned(), told.session.clone()),
        ]);
        if let Value::Object(properties) = &told.properties {
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
        "no more than that".to_owned()
    } else {
        different.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    fn told(user: &str, device: &str, subscription: &str, change: impl FnOnce(&mut Vec<Value>)) -> Vec<Told> {
        let mut roles = Roles::default();
        roles.name("user", user);
        roles.name("device", device);
        roles.name("subscription", subscription);
        roles.name("nothing", "");
        let mut events = events(user, device, subscription);
        events.push(json!({"event_type": "Sign-up completed", "user_id": "somebody else"}));
        change(&mut events);
        story(&events, &roles)
    }

    fn beside_ada(change: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
        let ada = told("user-a", "device-a", "sub_a", |_| ());
        let bob = told("user-b", "device-b", "sub_b", change);
        compare("bob", &bob, &ada)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn two_people_who_did_the_same_have_one_story() {
        let story = told("user-a", "device-a", "sub_a", |_| ());
        let names: Vec<&str> = story.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, ["Trial started", "Trial converted"]);
        assert_eq!(story[0].insert_id, "trial-started:<subscription>");
        assert_eq!(
            (story[0].device.as_str(), story[1].device.as_str()),
            ("<device>", "none")
        );
        assert_eq!(revenue(&story), 1200);
        assert_eq!(beside_ada(|_| ()), [""; 0]);
    }

    #[test]
    fn every_difference_is_named() {
        type Change = fn(&mut Vec<Value>);
        let rows: [(Change, &str); 7] = [
            (
                |events| drop(events.remove(0)),
                "bob: Trial converted never arrived",
            ),
            (
                |events| events.push(events[0].clone()),
                "bob: Trial converted (trial-converted:<subscription>) should not be there",
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
            assert_eq!(beside_ada(change), [expected]);
        }
    }
}
