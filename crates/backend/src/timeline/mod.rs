//! A user's timeline: events read from Amplitude, and the facts of our database to check them against.
//!
//! Events are read in batches through the same API from Amplitude and from the stand-in. A real project allows 360
//! queries an hour. Its responses are therefore cached for a minute, and only the newest batch of a timeline is read.

mod cache;
mod pages;
mod reader;
mod store;
mod users;

use std::sync::Arc;

use db::Db;
use serde_json::Value;
use tracking::received::ReceivedEvent;
use tracking::verdict::{TimelineFacts, Verdict, verdict};
use tracking::{DeviceId, SessionId, UserId};

use crate::clock::Clock;
use crate::config::AmplitudeConfig;
use crate::seen_set::SeenSet;
use cache::Cache;
use pages::BatchSource;

pub use pages::{FullTimeline, PageRequest, TimelinePage};
pub use reader::{Activity, AmplitudeReader, AmplitudeUser, BATCH, ReadError, Search};
pub use users::UserTimeline;

/// The most batches to read of one user in a real project: the newest 1,000 events.
const BATCHES_OF_PROJECT: usize = 1;

/// The most batches to read of one user from the stand-in: 200,000 events.
const BATCHES_OF_STAND_IN: usize = 200;

/// The most batches to search for one page.
const BATCHES_OF_PAGE: usize = 20;

/// Reads timelines. Cheap to clone.
#[derive(Clone)]
pub struct Timeline {
    reader: AmplitudeReader,
    db: Db,
    clock: Clock,
    /// `None` for the stand-in, which has no rate limit.
    cache: Option<Arc<Cache>>,
    /// Sessions with a recorded SDK run.
    seen_sessions: Arc<SeenSet<(DeviceId, SessionId)>>,
}

impl Timeline {
    /// Creates the reader for an Amplitude project and this database.
    ///
    /// # Errors
    /// When the HTTP client cannot be created.
    pub fn new(amplitude: &AmplitudeConfig, db: Db, clock: Clock) -> Result<Self, ReadError> {
        Ok(Self {
            reader: AmplitudeReader::new(amplitude)?,
            db,
            clock,
            cache: (!amplitude.is_local).then(Arc::default),
            seen_sessions: Arc::default(),
        })
    }

    /// The client of the API, for the live feed and for searching users.
    pub fn reader(&self) -> &AmplitudeReader {
        &self.reader
    }

    /// A batch of a user's events. From a real project it may be up to a minute old.
    pub async fn activity(&self, person: i64, offset: usize) -> Result<Arc<Activity>, ReadError> {
        let Some(cache) = &self.cache else {
            return Ok(Arc::new(self.reader.activity(person, offset).await?));
        };
        let now_ms = self.clock.now_ms();
        if let Some(known) = cache.get((person, offset), now_ms) {
            return Ok(known);
        }
        let read = Arc::new(self.reader.activity(person, offset).await?);
        cache.put((person, offset), now_ms, &read);
        Ok(read)
    }

    /// All events of a user, up to the limit of batches.
    pub async fn full(
        &self,
        person: i64,
        keep: &(dyn Fn(&Value) -> bool + Sync),
    ) -> Result<FullTimeline, ReadError> {
        let most = match self.cache {
            Some(_) => BATCHES_OF_PROJECT,
            None => BATCHES_OF_STAND_IN,
        };
        pages::full(&self.of(person), most, keep).await
    }

    /// A page of a user's timeline.
    pub async fn page(
        &self,
        person: i64,
        query: &PageRequest,
        keep: &(dyn Fn(&Value) -> bool + Sync),
    ) -> Result<TimelinePage, ReadError> {
        let most = match self.cache {
            Some(_) => BATCHES_OF_PROJECT,
            None => BATCHES_OF_PAGE,
        };
        pages::page(&self.of(person), most, query, keep).await
    }

    fn of(&self, person: i64) -> UserBatches<'_> {
        UserBatches {
            timeline: self,
            person,
        }
    }

    /// The facts of our database about a user. Empty for an unknown ID.
    pub async fn facts(&self, user: UserId) -> Result<TimelineFacts, ReadError> {
        Ok(store::facts(&self.db, user).await?)
    }

    /// The facts about the user whom the events name. `cut_off`: there are older events that were not read.
    pub async fn facts_for(
        &self,
        events: &[ReceivedEvent],
        cut_off: bool,
    ) -> Result<TimelineFacts, ReadError> {
        let facts = match user_of(events) {
            Some(user) => self.facts(user).await?,
            None => TimelineFacts::default(),
        };
        Ok(TimelineFacts {
            read_from_ms: read_from_ms(events, cut_off),
            ..facts
        })
    }

    /// The verdict on a user's events, with the events. `id` is a user ID, a device ID or an Amplitude ID. `None` if
    /// Amplitude does not know it.
    pub async fn analyze(&self, id: &str) -> Result<Option<(Verdict, Vec<ReceivedEvent>)>, ReadError> {
        let Some(person) = self.reader.find(id).await? else {
            return Ok(None);
        };
        let timeline = self.full(person, &|_| true).await?;
        let events: Vec<ReceivedEvent> = timeline
            .events
            .iter()
            .filter_map(ReceivedEvent::from_export)
            .collect();
        let facts = self.facts_for(&events, timeline.cut_off).await?;
        Ok(Some((verdict(&events, &facts), events)))
    }

    /// Records that Amplitude's SDK ran in a session of the user. Written once for each session.
    pub async fn record_sdk_session(
        &self,
        user: UserId,
        device: &DeviceId,
        session: SessionId,
    ) -> Result<(), sqlx::Error> {
        if self.seen_sessions.insert((device.clone(), session)) {
            store::insert_sdk_session(&self.db, user, device, session, self.clock.now_ms()).await?;
        }
        Ok(())
    }
}

/// The batches of one user.
struct UserBatches<'a> {
    timeline: &'a Timeline,
    person: i64,
}

impl BatchSource for UserBatches<'_> {
    async fn batch(&self, offset: usize) -> Result<Arc<Activity>, ReadError> {
        self.timeline.activity(self.person, offset).await
    }
}

/// The time of the oldest event if older ones were not read, in ms since the epoch.
pub fn read_from_ms(events: &[ReceivedEvent], cut_off: bool) -> Option<i64> {
    let oldest = events.iter().map(|event| event.time_ms).min();
    oldest.filter(|_| cut_off)
}

/// The user whom most of the events name.
pub fn user_of(events: &[ReceivedEvent]) -> Option<UserId> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for user in events.iter().filter_map(|event| event.user.as_deref()) {
        *counts.entry(user).or_default() += 1;
    }
    let (user, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    UserId::parse(user)
}
