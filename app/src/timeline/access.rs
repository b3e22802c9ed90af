//! Whose story a visitor may read, and how much of it.

use serde_json::Value;

use super::api::Found;
use crate::operations::may_operate;
use crate::visit::Visit;

/// Whose story a visitor gets: the one they ask for, if they may.
pub fn may_read(visit: &Visit, find: Option<&str>) -> Result<String, Found> {
    Access::of(visit).asks_for(find)
}

/// Who wants to read, and what they may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Access {
    /// The account that is signed in.
    user: Option<String>,
    /// What the browser says of its device: believed for that device's anonymous events alone.
    device: Option<String>,
    /// Events are on this machine, or they are an operator: they may read everybody's.
    everybody: bool,
}

impl Access {
    pub(super) fn of(visit: &Visit) -> Self {
        Self {
            user: visit.login.as_ref().map(|login| login.user.id.to_string()),
            device: visit.boot.device.clone(),
            everybody: visit.backend.collector_page.is_some() || may_operate(visit),
        }
    }

    fn asks_for(self, find: Option<&str>) -> Result<String, Found> {
        match find.map(str::trim).filter(|find| !find.is_empty()) {
            None => self.user.or(self.device).ok_or(Found::NoIdentity),
            Some(find) if find.len() > 200 => Err(Found::Nobody {
                by: find.chars().take(40).collect(),
            }),
            Some(find) if self.everybody => Ok(find.to_owned()),
            Some(find) if [self.user, self.device].iter().flatten().any(|own| own == find) => {
                Ok(find.to_owned())
            }
            Some(_) => Err(Found::NotYours),
        }
    }

    /// How much of the story by this ID they get to see.
    pub(super) fn view_of(&self, by: &str) -> View {
        if self.everybody || self.user.as_deref() == Some(by) {
            View::Whole
        } else {
            View::OfDevice(by.to_owned())
        }
    }
}

/// How much of a story somebody gets to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// All of it.
    Whole,
    /// They are known by this device alone. A device ID comes from a cookie, so it opens nobody's account: of the person
    /// it leads to, only that device's events without a user.
    OfDevice(String),
}

impl View {
    pub(super) fn keeps(&self, event: &Value) -> bool {
        match self {
            Self::Whole => true,
            Self::OfDevice(device) => {
                event.get("user_id").is_none_or(Value::is_null)
                    && event.get("device_id").and_then(Value::as_str) == Some(device)
            }
        }
    }

    /// What the person is at present is in the properties of each of their events.
    pub(super) fn shown(&self, mut event: Value) -> Value {
        if let (Self::OfDevice(_), Some(event)) = (self, event.as_object_mut()) {
            event.remove("user_properties");
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_may_read_whom() {
        let signed_in = Access {
            user: Some("u-1".into()),
            device: Some("d-1".into()),
            everybody: false,
        };
        let visitor = Access {
            user: None,
            ..signed_in.clone()
        };
        let operator = Access {
            everybody: true,
            ..signed_in.clone()
        };
        let device = || View::OfDevice("d-1".into());
        let rows = [
            ("one's own account", &signed_in, None, Some(("u-1", View::Whole))),
            ("by its ID", &signed_in, Some(" u-1 "), Some(("u-1", View::Whole))),
            (
                "one's own device",
                &signed_in,
                Some("d-1"),
                Some(("d-1", device())),
            ),
            ("somebody else", &signed_in, Some("u-2"), None),
            ("a visitor", &visitor, Some(""), Some(("d-1", device()))),
            ("whose account it may be", &visitor, Some("u-1"), None),
            ("an operator", &operator, Some("u-2"), Some(("u-2", View::Whole))),
            (
                "and any device",
                &operator,
                Some("d-2"),
                Some(("d-2", View::Whole)),
            ),
            ("no browser at all", &Access::default(), None, None),
        ];
        for (who, reader, find, expected) in rows {
            let read = reader.clone().asks_for(find).ok();
            let read = read.map(|by| {
                let view = reader.view_of(&by);
                (by, view)
            });
            let expected = expected.map(|(by, view)| (by.to_owned(), view));
            assert_eq!(read, expected, "{who}");
        }
    }

    #[test]
    fn a_device_shows_what_it_did_before_anybody_signed_in() {
        let view = View::OfDevice("d-1".into());
        let events = [
            json!({"event_type": "theirs", "user_id": "u-1", "device_id": "d-1"}),
            json!({"event_type": "elsewhere", "user_id": null, "device_id": "d-2"}),
            json!({"event_type": "own", "user_id": null, "device_id": "d-1", "user_properties": {"a": 1}}),
        ];
        let shown: Vec<Value> = events
            .into_iter()
            .filter(|event| view.keeps(event))
            .map(|event| view.shown(event))
            .collect();
        assert_eq!(
            shown,
            [json!({"event_type": "own", "user_id": null, "device_id": "d-1"})]
        );
    }
}
