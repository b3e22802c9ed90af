//! Reading a story: the page that is asked for, what it is worth, or all of it.

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

use super::access::{Access, View, may_read};
use super::api::{Asked, Found, Judgement, PersonFound, Story};
use super::glimpse::{FEW, is_bookkeeping};
use crate::visit::Visit;

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
    let view = Access::of(visit).view_of(by);
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

/// The visitor's own newest events, a few, newest first. Whoever opens a page about something else has not asked for
/// them, so a real project's counted queries are not spent on it.
pub(super) async fn newest(visit: &Visit) -> Result<Vec<Value>, StoryError> {
    let Some(by) = may_read(visit, None)
        .ok()
        .filter(|_| visit.backend.collector_page.is_some())
    else {
        return Ok(Vec::new());
    };
    let timeline = &visit.backend.timeline;
    let Some(person) = timeline.reader().find(&by).await? else {
        return Ok(Vec::new());
    };
    let view = Access::of(visit).view_of(&by);
    let activity = timeline.activity(person, 0).await?;
    let kept = activity.events.iter().filter(|event| view.keeps(event));
    let told =
        kept.filter(|event| ReceivedEvent::from_export(event).is_some_and(|event| !is_bookkeeping(&event)));
    Ok(told.take(FEW).map(|event| view.shown(event.clone())).collect())
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
    let view = Access::of(visit).view_of(&by);
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
