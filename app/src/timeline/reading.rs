//! Whose story a visitor may read, and reading it.

use std::collections::BTreeSet;

use backend::loss::Whose;
use backend::timeline::{Asked as PageAsked, Person, ReadError, Search, Whole, read_from, user_of};
use serde_json::Value;
use tracking::DeviceId;
use tracking::loss::Loss;
use tracking::proof::joined;
use tracking::received::{ReceivedEvent, Source};
use tracking::reconcile::reconcile;
use tracking::session_metrics::compare;
use tracking::story_page::Cursor;
use tracking::verdict::{Facts, verdict};

use super::api::{Asked, Found, Judgement, PersonFound, Story};
use crate::operations::may_operate;
use crate::visit::Visit;

/// Whose story a visitor gets: the one they ask for, if they may.
pub fn may_read(visit: &Visit, find: Option<&str>) -> Result<String, Found> {
    Reader::of(visit).asks_for(find)
}

/// Who wants to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reader {
    /// The account that is signed in.
    user: Option<String>,
    /// What the browser says of its device: believed for that device's anonymous events alone.
    device: Option<String>,
    /// Events are on this machine, or they are an operator: they may read everybody's.
    everybody: bool,
}

impl Reader {
    fn of(visit: &Visit) -> Self {
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

    fn view_of(&self, by: &str) -> View {
        if self.everybody || self.user.as_deref() == Some(by) {
            View::Whole
        } else {
            View::OfDevice(by.to_owned())
        }
    }
}

/// How much of a story somebody gets to see.
#[derive(Clone, Debug, PartialEq, Eq)]
enum View {
    /// All of it.
    Whole,
    /// They are known by this device alone. A device ID comes from a cookie, so it opens nobody's account: of the person
    /// it leads to, only that device's events without a user.
    OfDevice(String),
}

impl View {
    fn keeps(&self, event: &Value) -> bool {
        match self {
            Self::Whole => true,
            Self::OfDevice(device) => {
                event.get("user_id").is_none_or(Value::is_null)
                    && event.get("device_id").and_then(Value::as_str) == Some(device)
            }
        }
    }

    /// What the person is at present is in the properties of each of their events.
    fn shown(&self, mut event: Value) -> Value {
        if let (Self::OfDevice(_), Some(event)) = (self, event.as_object_mut()) {
            event.remove("user_properties");
        }
        event
    }
}

/// Reads a page of it.
pub(super) async fn read(visit: &Visit, asked: &Asked) -> Found {
    let by = match may_read(visit, asked.find.as_deref()) {
        Ok(by) => by,
        Err(refused) => return refused,
    };
    match find(visit, &by).await {
        Ok(Matched::One(person)) => match page(visit, &by, person, asked).await {
            Ok(story) => Found::Story(Box::new(story)),
            Err(error) => unreadable(&error),
        },
        Ok(Matched::Many(people)) => Found::People { query: by, people },
        Ok(Matched::None) => Found::Nobody { by },
        Err(error) => unreadable(&error),
    }
}

/// Why a story cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// Nothing, or nobody, of that ID, or not for this visitor.
    #[error("there is no such story for this visitor")]
    Refused(Box<Found>),
    /// Amplitude or the database does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
}

fn unreadable(error: &StoryError) -> Found {
    let sentence = match error {
        StoryError::Read(error @ (ReadError::NoSecretKey | ReadError::RateLimited)) => error.to_string(),
        _ => "Amplitude does not answer right now".to_owned(),
    };
    tracing::warn!(error = error as &dyn std::error::Error, "cannot read a story");
    Found::Unreadable(sentence)
}

/// Who was meant.
enum Matched {
    None,
    One(i64),
    Many(Vec<PersonFound>),
}

/// An ID leads to its person. In local mode a part of one, or `property=value`, leads to all people that fit.
async fn find(visit: &Visit, by: &str) -> Result<Matched, StoryError> {
    let reader = visit.backend.timeline.reader();
    let local = visit.backend.collector_page.is_some();
    let property = by.split_once('=').filter(|_| local);
    if property.is_none()
        && let Some(person) = reader.find(by).await?
    {
        return Ok(Matched::One(person));
    }
    if !local {
        return Ok(Matched::None);
    }
    let search = match property {
        Some((name, value)) => Search::Property {
            name: name.trim(),
            value: Some(value.trim()).filter(|value| !value.is_empty()),
        },
        None => Search::Part(by),
    };
    let people = reader.people(&search).await?;
    Ok(match (people.as_slice(), property) {
        ([], _) => Matched::None,
        ([one], None) => Matched::One(one.amplitude_id),
        (several, _) => {
            let searched = property.map(|(name, _)| name.trim());
            Matched::Many(several.iter().map(|person| listed(person, searched)).collect())
        }
    })
}

/// What tells people apart in a list.
const TELLING: [&str; 3] = ["email_domain", "account_type", "subscription_status"];

fn listed(person: &Person, searched: Option<&str>) -> PersonFound {
    let known = searched
        .into_iter()
        .chain(TELLING.into_iter().filter(|name| Some(*name) != searched));
    let properties = known.filter_map(|name| {
        let text = match person.properties.get(name)? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((name.to_owned(), text))
    });
    PersonFound {
        find: person
            .user_id
            .clone()
            .unwrap_or_else(|| person.amplitude_id.to_string()),
        user: person.user_id.clone(),
        events: person.num_events,
        last_used: person.last_used.clone(),
        properties: properties.collect(),
    }
}

async fn page(visit: &Visit, by: &str, person: i64, asked: &Asked) -> Result<Story, StoryError> {
    let view = Reader::of(visit).view_of(by);
    let from = asked.older.as_deref().and_then(Cursor::parse).unwrap_or_default();
    let page_asked = PageAsked {
        filter: asked.filter.clone(),
        from,
        event: asked.event.clone(),
    };
    let page = visit
        .backend
        .timeline
        .page(person, &page_asked, &|event| view.keeps(event))
        .await?;
    let judgement = match &page.newest {
        Some(newest) => Some(judgement(visit, &view, newest, page.goes_on).await?),
        None => None,
    };
    Ok(Story {
        by: by.to_owned(),
        person: match view {
            View::Whole => page.person,
            View::OfDevice(_) => Value::Null,
        },
        skipped: page.skipped || page_asked.from != Cursor::default(),
        events: page.events.into_iter().map(|event| view.shown(event)).collect(),
        older: page.older.map(|older| older.to_string()),
        judgement,
    })
}

/// What the newest events are worth by now; nothing where there is nothing to see.
pub(super) async fn judge(visit: &Visit, find: Option<&str>) -> Option<Judgement> {
    let asked = Asked {
        find: find.map(str::to_owned),
        ..Asked::default()
    };
    match read(visit, &asked).await {
        Found::Story(story) => story.judgement,
        _ => None,
    }
}

async fn judgement(
    visit: &Visit,
    view: &View,
    events: &[ReceivedEvent],
    goes_on: bool,
) -> Result<Judgement, StoryError> {
    let facts = facts(visit, view, events, goes_on).await?;
    let distinct = |of: fn(&ReceivedEvent) -> Option<&str>| -> Vec<String> {
        let distinct: BTreeSet<&str> = events.iter().filter_map(of).collect();
        distinct.into_iter().map(str::to_owned).collect()
    };
    let server_events = events.iter().filter(|event| event.source != Source::Browser);
    Ok(Judgement {
        from_server: server_events.count(),
        loss: loss(visit, view, events).await?,
        verdict: verdict(events, &facts),
        comparison: compare(events),
        joined: joined(events),
        books: reconcile(events, &facts),
        names: distinct(|event| Some(&event.name)),
        devices: distinct(|event| event.device.as_deref().filter(|_| !event.derived_device)),
        facts,
    })
}

/// What the person's browsers lost; of a device alone, what it lost before anybody signed in.
async fn loss(visit: &Visit, view: &View, events: &[ReceivedEvent]) -> Result<Loss, StoryError> {
    let whose = match view {
        View::OfDevice(device) => DeviceId::parse(device).map(Whose::Device),
        View::Whole => user_of(events).map(Whose::User).or_else(|| {
            let device = events.iter().find_map(|event| event.device.as_deref())?;
            DeviceId::parse(device).map(Whose::Device)
        }),
    };
    match whose {
        Some(whose) => Ok(visit.backend.loss.of(&whose).await.map_err(ReadError::from)?),
        None => Ok(Loss::default()),
    }
}

/// What the database knows of the person whose events these are.
async fn facts(
    visit: &Visit,
    view: &View,
    events: &[ReceivedEvent],
    cut_off: bool,
) -> Result<Facts, StoryError> {
    match view {
        View::Whole => Ok(visit.backend.timeline.facts_for(events, cut_off).await?),
        // A device opens no account.
        View::OfDevice(_) => Ok(Facts {
            read_from_ms: read_from(events, cut_off),
            ..Facts::default()
        }),
    }
}

/// All that can be read of the story that a visitor asks for, and the facts that go with it.
pub struct WholeStory {
    /// The ID by which it was found.
    pub by: String,
    /// The events, newest first; each as it was exported.
    pub events: Vec<ReceivedEvent>,
    /// What they are held against.
    pub facts: Facts,
}

/// Reads all of it, for files and for programs.
pub async fn read_whole(visit: &Visit, find_by: Option<&str>) -> Result<WholeStory, StoryError> {
    let refused = |found| StoryError::Refused(Box::new(found));
    let by = may_read(visit, find_by).map_err(refused)?;
    let person = match find(visit, &by).await? {
        Matched::One(person) => person,
        Matched::Many(people) => return Err(refused(Found::People { query: by, people })),
        Matched::None => return Err(refused(Found::Nobody { by })),
    };
    let view = Reader::of(visit).view_of(&by);
    let Whole { events, cut_off } = visit
        .backend
        .timeline
        .whole(person, &|event| view.keeps(event))
        .await?;
    let shown = events.into_iter().map(|event| view.shown(event));
    let events: Vec<ReceivedEvent> = shown.filter_map(|raw| ReceivedEvent::from_export(&raw)).collect();
    let facts = facts(visit, &view, &events, cut_off).await?;
    Ok(WholeStory { by, events, facts })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_may_read_whom() {
        let signed_in = Reader {
            user: Some("u-1".into()),
            device: Some("d-1".into()),
            everybody: false,
        };
        let visitor = Reader {
            user: None,
            ..signed_in.clone()
        };
        let operator = Reader {
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
            ("no browser at all", &Reader::default(), None, None),
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

    #[test]
    fn a_list_shows_what_was_searched_for_first() {
        let person = Person {
            amplitude_id: 7,
            user_id: None,
            num_events: 3,
            last_used: None,
            properties: json!({"account_type": "pro", "is_logged_in": true, "email_domain": "example.com"})
                .as_object()
                .cloned()
                .unwrap_or_default(),
        };
        let listed = listed(&person, Some("is_logged_in"));
        assert_eq!(listed.find, "7");
        let names: Vec<&str> = listed.properties.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["is_logged_in", "email_domain", "account_type"]);
        assert_eq!(listed.properties[0].1, "true");
    }
}
