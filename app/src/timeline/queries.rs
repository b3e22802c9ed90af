//! Reads a timeline: a page of it, its newest events, or all of it.

use std::sync::Arc;

use backend::loss::LossScope;
use backend::timeline::{AmplitudeUser, NewestEvents, PageRequest, ReadError, Search, read_from_ms};
use serde_json::Value;
use tracking::DeviceId;
use tracking::analysis::Analysis;
use tracking::loss::Loss;
use tracking::received::ReceivedEvent;
use tracking::timeline_page::Cursor;
use tracking::verdict::TimelineFacts;

use super::access::{Access, View, may_read};
use super::model::{EventPage, PersonFound, TimelineQuery, TimelineResult};
use super::recent_events::{MAX_RECENT, is_sdk_event};
use crate::request::RequestContext;

/// Why a timeline cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// The query does not lead to one person whom this visitor may read.
    #[error("no timeline for this visitor")]
    Refused(Box<TimelineResult>),
    /// Amplitude or the database does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Reads the page that the URL asks for.
pub(super) async fn read_page(
    context: &RequestContext,
    query: TimelineQuery,
) -> Result<TimelineResult, TimelineError> {
    let by = match may_read(context, query.find.as_deref()) {
        Ok(by) => by,
        Err(refused) => return Ok(refused),
    };
    Ok(match find(context, &by).await? {
        Matched::One(person) => {
            TimelineResult::Events(Box::new(event_page(context, by, person, query).await?))
        }
        Matched::Many(people) => TimelineResult::People { query: by, people },
        Matched::None => TimelineResult::NotFound { by },
    })
}

/// The result of a search.
enum Matched {
    None,
    /// Amplitude ID.
    One(i64),
    Many(Vec<PersonFound>),
}

/// Finds a person by a whole ID. In local mode, a part of an ID or `property=value` finds everyone who matches.
async fn find(context: &RequestContext, by: &str) -> Result<Matched, TimelineError> {
    let local = context.backend.collector_page.is_some();
    let property = by.split_once('=').filter(|_| local);
    if property.is_none()
        && let Some(person) = context.timeline().find(by).await?
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
    let people = context.timeline().reader().people(&search).await?;
    Ok(match (people.as_slice(), property) {
        ([], _) => Matched::None,
        ([one], None) => Matched::One(one.amplitude_id),
        (several, _) => {
            let searched = property.map(|(name, _)| name.trim());
            Matched::Many(several.iter().map(|person| listed(person, searched)).collect())
        }
    })
}

/// Properties that distinguish people in a list.
const DISTINGUISHING: [&str; 3] = ["email_domain", "account_type", "subscription_status"];

fn listed(person: &AmplitudeUser, searched: Option<&str>) -> PersonFound {
    let others = DISTINGUISHING.into_iter().filter(|name| Some(*name) != searched);
    let properties = searched.into_iter().chain(others).filter_map(|name| {
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

async fn event_page(
    context: &RequestContext,
    by: String,
    person: i64,
    query: TimelineQuery,
) -> Result<EventPage, TimelineError> {
    let view = Access::of(context).view_of(&by);
    let from = query.older.as_deref().and_then(Cursor::parse).unwrap_or_default();
    let page_asked = PageRequest {
        filter: query.filter.clone(),
        from,
        event: query.event.clone(),
    };
    let page = context
        .timeline()
        .page(person, &page_asked, &|event| view.keeps(event))
        .await?;
    let (analysis, loss) = match &page.newest {
        Some(newest) => {
            let (analysis, loss) = analysis_and_loss(context, &view, newest).await?;
            (Some(analysis), loss)
        }
        None => (None, Loss::default()),
    };
    Ok(EventPage {
        query,
        by,
        events: page.events.into_iter().map(|event| view.shown(event)).collect(),
        person: match view {
            View::Whole => page.person,
            View::OfDevice(_) => Arc::default(),
        },
        skipped: page.skipped || page_asked.from != Cursor::default(),
        older: page.older.map(|older| older.to_string()),
        analysis,
        loss,
    })
}

/// The visitor's own newest events, a few, newest first, without the SDK's session events. Of a real project it reads
/// nothing: the pages that show them have many visitors, and Amplitude limits the number of queries.
pub(crate) async fn recent_events(context: &RequestContext) -> Result<Vec<ReceivedEvent>, TimelineError> {
    let Some(by) = may_read(context, None)
        .ok()
        .filter(|_| context.backend.collector_page.is_some())
    else {
        return Ok(Vec::new());
    };
    let timeline = context.timeline();
    let Some(person) = timeline.find(&by).await? else {
        return Ok(Vec::new());
    };
    let view = Access::of(context).view_of(&by);
    let activity = timeline.activity(person, 0).await?;
    let kept = activity.events.iter().filter(|event| view.keeps(event));
    Ok(kept
        .filter(|event| !is_sdk_event(event))
        .take(MAX_RECENT)
        .cloned()
        .collect())
}

/// The analysis of the newest events that the visitor may see, and the loss of browser events.
async fn analysis_and_loss(
    context: &RequestContext,
    view: &View,
    newest: &NewestEvents,
) -> Result<(Arc<Analysis>, Loss), TimelineError> {
    let events = &newest.activity.events;
    match view {
        View::Whole => {
            let loss = match newest.loss {
                Some(loss) => loss,
                None => device_loss(context, events.iter().find_map(|event| event.device.as_deref())).await?,
            };
            Ok((Arc::clone(&newest.analysis), loss))
        }
        View::OfDevice(device) => {
            let kept: Vec<ReceivedEvent> = events.iter().filter(|event| view.keeps(event)).cloned().collect();
            let facts = without_account(&kept, newest.activity.is_full);
            let analysis = Arc::new(Analysis::of(&kept, facts));
            Ok((analysis, device_loss(context, Some(device)).await?))
        }
    }
}

/// Browser event loss of a device, before a user signed in on it.
async fn device_loss(context: &RequestContext, device: Option<&str>) -> Result<Loss, TimelineError> {
    match device.and_then(DeviceId::parse) {
        Some(device) => {
            let loss = context.backend.loss.loss(&LossScope::Device(device)).await;
            Ok(loss.map_err(ReadError::from)?)
        }
        None => Ok(Loss::default()),
    }
}

/// The facts for a device's events: its ID gives no access to an account's. `cut_off`: older events exist and were not read.
fn without_account(events: &[ReceivedEvent], cut_off: bool) -> TimelineFacts {
    TimelineFacts {
        read_from_ms: read_from_ms(events, cut_off),
        ..TimelineFacts::default()
    }
}

/// All events of a person that can be read, with the facts to check them against.
pub struct WholeTimeline {
    /// The ID that led to the person.
    pub by: String,
    /// Newest first; each as it was exported.
    pub events: Vec<ReceivedEvent>,
    /// What the database knows of the person.
    pub facts: TimelineFacts,
}

/// Reads the whole timeline, for files and for programs.
pub async fn read_whole(
    context: &RequestContext,
    find_by: Option<&str>,
) -> Result<WholeTimeline, TimelineError> {
    let refused = |result| TimelineError::Refused(Box::new(result));
    let by = may_read(context, find_by).map_err(refused)?;
    let person = match find(context, &by).await? {
        Matched::One(person) => person,
        Matched::Many(people) => return Err(refused(TimelineResult::People { query: by, people })),
        Matched::None => return Err(refused(TimelineResult::NotFound { by })),
    };
    let view = Access::of(context).view_of(&by);
    let full = context
        .timeline()
        .full(person, &|event| view.keeps(event))
        .await?;
    let facts = match view {
        View::Whole => full.facts,
        View::OfDevice(_) => without_account(&full.events, full.cut_off),
    };
    let events = full.events.into_iter().map(|event| view.shown(event)).collect();
    Ok(WholeTimeline { by, events, facts })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_searched_property_comes_first() {
        let person = AmplitudeUser {
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
