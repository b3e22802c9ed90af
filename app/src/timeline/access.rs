//! Whose timeline a visitor may read, and how much of it.

use serde_json::{Map, Value};
use tracking::received::ReceivedEvent;

use super::model::TimelineResult;
use crate::operations::may_operate;
use crate::request::RequestContext;

/// The ID that the visitor may read events of: `find`, or their own where it is empty. Fails where they may not.
pub fn may_read(context: &RequestContext, find: Option<&str>) -> Result<String, TimelineResult> {
    Access::of(context).resolve(find)
}

/// The visitor's IDs and rights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Access {
    /// The account that is signed in.
    user: Option<String>,
    /// Device ID of this browser's cookie. It gives access to that device's anonymous events only.
    device: Option<String>,
    /// They may read all timelines: local mode, or an operator.
    all_people: bool,
}

impl Access {
    pub(super) fn of(context: &RequestContext) -> Self {
        Self {
            user: context.login.as_ref().map(|login| login.user.id.to_string()),
            device: context.boot.device.clone(),
            all_people: context.backend.collector_page.is_some() || may_operate(context),
        }
    }

    fn resolve(self, find: Option<&str>) -> Result<String, TimelineResult> {
        match find.map(str::trim).filter(|find| !find.is_empty()) {
            None => self.user.or(self.device).ok_or(TimelineResult::NoIdentity),
            Some(find) if find.len() > 200 => Err(TimelineResult::NotFound {
                by: find.chars().take(40).collect(),
            }),
            Some(find) if self.all_people => Ok(find.to_owned()),
            Some(find) if [self.user, self.device].iter().flatten().any(|own| own == find) => {
                Ok(find.to_owned())
            }
            Some(_) => Err(TimelineResult::NotYours),
        }
    }

    /// How much of the timeline of this ID they may see.
    pub(super) fn view_of(&self, by: &str) -> View {
        if self.all_people || self.user.as_deref() == Some(by) {
            View::Whole
        } else {
            View::OfDevice(by.to_owned())
        }
    }
}

/// How much of a timeline a visitor may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// All of it.
    Whole,
    /// Only this device's events without a user. A device ID comes from a cookie, so it must not give access to an
    /// account.
    OfDevice(String),
}

impl View {
    /// Whether the visitor may see this event.
    pub(super) fn keeps(&self, event: &ReceivedEvent) -> bool {
        match self {
            Self::Whole => true,
            Self::OfDevice(device) => {
                event.raw.get("user_id").is_none_or(Value::is_null) && event.device.as_ref() == Some(device)
            }
        }
    }

    /// The event without what the visitor may not see. User properties describe the account, in anonymous events too.
    pub(super) fn shown(&self, mut event: ReceivedEvent) -> ReceivedEvent {
        if let Self::OfDevice(_) = self {
            event.user_properties = Map::new();
            if let Some(raw) = event.raw.as_object_mut() {
                raw.remove("user_properties");
            }
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn visitors_read_their_own_account_and_device() {
        let signed_in = Access {
            user: Some("u-1".into()),
            device: Some("d-1".into()),
            all_people: false,
        };
        let visitor = Access {
            user: None,
            ..signed_in.clone()
        };
        let operator = Access {
            all_people: true,
            ..signed_in.clone()
        };
        let device = || View::OfDevice("d-1".into());
        let rows = [
            ("own account", &signed_in, None, Some(("u-1", View::Whole))),
            (
                "own account by its ID",
                &signed_in,
                Some(" u-1 "),
                Some(("u-1", View::Whole)),
            ),
            ("own device", &signed_in, Some("d-1"), Some(("d-1", device()))),
            ("another account", &signed_in, Some("u-2"), None),
            ("a visitor", &visitor, Some(""), Some(("d-1", device()))),
            ("a visitor, an account", &visitor, Some("u-1"), None),
            ("an operator", &operator, Some("u-2"), Some(("u-2", View::Whole))),
            (
                "an operator, a device",
                &operator,
                Some("d-2"),
                Some(("d-2", View::Whole)),
            ),
            ("no identity", &Access::default(), None, None),
        ];
        for (who, reader, find, expected) in rows {
            let read = reader.clone().resolve(find).ok();
            let read = read.map(|by| {
                let view = reader.view_of(&by);
                (by, view)
            });
            let expected = expected.map(|(by, view)| (by.to_owned(), view));
            assert_eq!(read, expected, "{who}");
        }
    }

    #[test]
    fn a_device_shows_its_anonymous_events_only() {
        const AT: &str = "2026-11-18 11:06:40.123456";
        let view = View::OfDevice("d-1".into());
        let events = [
            json!({"event_type": "theirs", "event_time": AT, "user_id": "u-1", "device_id": "d-1"}),
            json!({"event_type": "theirs", "event_time": AT, "user_id": 1, "device_id": "d-1"}),
            json!({"event_type": "elsewhere", "event_time": AT, "user_id": null, "device_id": "d-2"}),
            json!({
                "event_type": "own", "event_time": AT, "user_id": null, "device_id": "d-1", "user_properties": {"a": 1},
            }),
        ];
        let shown: Vec<ReceivedEvent> = events
            .into_iter()
            .map(|event| ReceivedEvent::from_export(event).unwrap())
            .filter(|event| view.keeps(event))
            .map(|event| view.shown(event))
            .collect();
        let own = json!({"event_type": "own", "event_time": AT, "user_id": null, "device_id": "d-1"});
        assert_eq!(shown, [ReceivedEvent::from_export(own).unwrap()]);
    }
}
