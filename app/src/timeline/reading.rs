//! Whose story a visitor may read, and reading it.

use backend::timeline::{Activity, ReadError};
use serde_json::Value;

use super::api::Found;
use crate::visit::Visit;

/// Whose story a visitor gets: the one they ask for, if they may. In local mode everybody may read everybody; elsewhere a
/// person reads the story of their own account, and a browser what it did itself.
pub fn may_read(visit: &Visit, find: Option<&str>) -> Result<String, Found> {
    let user = visit.login.as_ref().map(|login| login.user.id.to_string());
    let device = visit.boot.device.clone();
    match find.map(str::trim).filter(|find| !find.is_empty()) {
        None => user.or(device).ok_or(Found::NoIdentity),
        Some(find) if find.len() > 200 => Err(Found::Nobody {
            by: find.chars().take(40).collect(),
        }),
        Some(find) if visit.backend.collector_page.is_some() => Ok(find.to_owned()),
        Some(find) if [user, device].iter().flatten().any(|own| own == find) => Ok(find.to_owned()),
        Some(_) => Err(Found::NotYours),
    }
}

/// What a story shows to somebody who is known by a device alone. A device ID comes from a cookie, so it opens nobody's
/// account: of the person it leads to, only that device's events without a user remain.
fn without_people(activity: Activity, device: &str) -> Activity {
    let own = |event: &Value| {
        event.get("user_id").is_none_or(Value::is_null)
            && event.get("device_id").and_then(Value::as_str) == Some(device)
    };
    let mut events: Vec<Value> = activity.events.into_iter().filter(own).collect();
    for event in &mut events {
        if let Some(event) = event.as_object_mut() {
            event.remove("user_properties");
        }
    }
    Activity {
        person: Value::Null,
        events,
    }
}

/// Reads it.
pub(super) async fn read(visit: &Visit, find: Option<&str>) -> Found {
    let by = match may_read(visit, find) {
        Ok(by) => by,
        Err(refused) => return refused,
    };
    let reader = &visit.backend.timeline;
    let story = async {
        let Some(person) = reader.find(&by).await? else {
            return Ok(None);
        };
        reader.activity(person).await.map(Some)
    };
    match story.await {
        Ok(Some(activity)) => {
            let account = visit.login.as_ref().map(|login| login.user.id.to_string());
            let trusted = visit.backend.collector_page.is_some() || account.as_ref() == Some(&by);
            let activity = if trusted {
                activity
            } else {
                without_people(activity, &by)
            };
            Found::Story {
                by,
                person: activity.person,
                events: activity.events,
            }
        }
        Ok(None) => Found::Nobody { by },
        Err(error) => {
            let sentence = match error {
                ReadError::NoSecretKey | ReadError::RateLimited => error.to_string(),
                _ => "Amplitude does not answer right now".to_owned(),
            };
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot read a story");
            Found::Unreadable(sentence)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_device_shows_what_it_did_before_anybody_signed_in() {
        let activity = Activity {
            person: json!({"user_id": "u-1", "properties": {"email_domain": "example.com"}}),
            events: vec![
                json!({"event_type": "theirs", "user_id": "u-1", "device_id": "d-1"}),
                json!({"event_type": "elsewhere", "user_id": null, "device_id": "d-2"}),
                json!({"event_type": "own", "user_id": null, "device_id": "d-1", "user_properties": {"a": 1}}),
            ],
        };
        let shown = without_people(activity, "d-1");
        assert_eq!(shown.person, Value::Null);
        assert_eq!(
            shown.events,
            [json!({"event_type": "own", "user_id": null, "device_id": "d-1"})]
        );
    }
}
