//! A person's story: events read back from Amplitude, and the facts of the database that they are held against.
//!
//! Reading is batch by batch, through the same API whether Amplitude or the stand-in answers. A real project allows 360
//! queries an hour, so there an answer is kept for a minute, and of a long story the newest events are read only.

mod cache;
mod people;
mod reader;
mod store;
mod story;

use std::sync::Arc;

use db::Db;
use serde_json::Value;
use tracking::received::ReceivedEvent;
use tracking::verdict::{Facts, Verdict, verdict};
use tracking::{DeviceId, SessionId, UserId};

use crate::clock::Clock;
use crate::config::Amplitude;
use crate::once::Once;
use cache::Cache;
use story::Batches;

pub use people::TheirStory;
pub use reader::{Activity, BATCH, Person, ReadError, Reader, Search};
pub use story::{Asked, Page, Whole};

/// Most batches that are read of a real project's person: of a long story the newest 1,000 events.
const BATCHES_OF_PROJECT: usize = 1;

/// Most batches that are read of the stand-in: 200,000 events.
const BATCHES_OF_STAND_IN: usize = 200;

/// Most batches that a filter searches for one page.
const BATCHES_OF_PAGE: usize = 20;

/// The verbs. Cheap to clone.
#[derive(Clone)]
pub struct Timeline {
    reader: Reader,
    db: Db,
    clock: Clock,
    /// `None`: the stand-in answers as often as it is asked.
    cache: Option<Arc<Cache>>,
    /// Sessions that are written down.
    sightings: Arc<Once<(DeviceId, SessionId)>>,
}

impl Timeline {
    /// Over this project and this database.
    pub fn new(amplitude: &Amplitude, db: Db, clock: Clock) -> Result<Self, ReadError> {
        Ok(Self {
            reader: Reader::new(amplitude)?,
            db,
            clock,
            cache: (!amplitude.is_local).then(Arc::default),
            sightings: Arc::default(),
        })
    }

    /// The API itself: for the live feed, and to find people.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// A batch of a person's events. On a real project it may be up to a minute old.
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

    /// All that can be read of a person.
    pub async fn whole(
        &self,
        person: i64,
        keep: &(dyn Fn(&Value) -> bool + Sync),
    ) -> Result<Whole, ReadError> {
        let most = match self.cache {
            Some(_) => BATCHES_OF_PROJECT,
            None => BATCHES_OF_STAND_IN,
        };
        story::whole(&self.of(person), most, keep).await
    }

    /// A page of a person's story.
    pub async fn page(
        &self,
        person: i64,
        asked: &Asked,
        keep: &(dyn Fn(&Value) -> bool + Sync),
    ) -> Result<Page, ReadError> {
        let most = match self.cache {
            Some(_) => BATCHES_OF_PROJECT,
            None => BATCHES_OF_PAGE,
        };
        story::page(&self.of(person), most, asked, keep).await
    }

    fn of(&self, person: i64) -> OfPerson<'_> {
        OfPerson {
            timeline: self,
            person,
        }
    }

    /// What the database knows of the person with this ID. Of an ID that is nobody's account: nothing.
    pub async fn facts(&self, user: UserId) -> Result<Facts, ReadError> {
        Ok(store::facts(&self.db, user).await?)
    }

    /// What the person's events are held against: the facts of the user whom they name. `cut_off`: there are older events
    /// that were not read.
    pub async fn facts_for(&self, events: &[ReceivedEvent], cut_off: bool) -> Result<Facts, ReadError> {
        let facts = match user_of(events) {
            Some(user) => self.facts(user).await?,
            None => Facts::default(),
        };
        Ok(Facts {
            read_from_ms: read_from(events, cut_off),
            ..facts
        })
    }

    /// The verdict on all that can be read of a person, by user ID, device ID or Amplitude ID, with the events that it is
    /// about. `None`: nothing has arrived under this ID.
    pub async fn judge(&self, id: &str) -> Result<Option<(Verdict, Vec<ReceivedEvent>)>, ReadError> {
        let Some(person) = self.reader.find(id).await? else {
            return Ok(None);
        };
        let whole = self.whole(person, &|_| true).await?;
        let events: Vec<ReceivedEvent> = whole
            .events
            .iter()
            .filter_map(ReceivedEvent::from_export)
            .collect();
        let facts = self.facts_for(&events, whole.cut_off).await?;
        Ok(Some((verdict(&events, &facts), events)))
    }

    /// Amplitude's SDK was seen to run in a session of this person's browser. Written down once for each session.
    pub async fn sdk_ran(
        &self,
        user: UserId,
        device: &DeviceId,
        session: SessionId,
    ) -> Result<(), sqlx::Error> {
        if self.sightings.is_new((device.clone(), session)) {
            store::insert_sighting(&self.db, user, device, session, self.clock.now_ms()).await?;
        }
        Ok(())
    }
}

/// One person's batches.
struct OfPerson<'a> {
    timeline: &'a Timeline,
    person: i64,
}

impl Batches for OfPerson<'_> {
    async fn batch(&self, offset: usize) -> Result<Arc<Activity>, ReadError> {
        self.timeline.activity(self.person, offset).await
    }
}

/// Where only the newest events were read: the moment of the oldest of them.
pub fn read_from(events: &[ReceivedEvent], cut_off: bool) -> Option<i64> {
    let oldest = events.iter().map(|event| event.time_ms).min();
    oldest.filter(|_| cut_off)
}

/// The user whom a story is about: whom most of its events name, since nobody else should be in it.
pub fn user_of(events: &[ReceivedEvent]) -> Option<UserId> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for user in events.iter().filter_map(|event| event.user.as_deref()) {
        *counts.entry(user).or_default() += 1;
    }
    let (user, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    UserId::parse(user)
}
