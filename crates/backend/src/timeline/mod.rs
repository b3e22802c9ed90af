//! A user's timeline: events read from Amplitude, and the facts of our database to check them against.
//!
//! Events are read in batches through the same API from Amplitude and from the stand-in. A real project allows 360
//! queries an hour (Dashboard REST API, "Rate limits"). Its responses are therefore cached, one batch is read for a page,
//! and the queries are divided between operators and visitors. The facts are cached with the newest events: newer facts
//! could contain a payment whose event is not among the cached ones. An event that Amplitude does not show yet counts as
//! missing until the next read.

mod cache;
mod pages;
mod quota;
mod reader;
mod store;
mod users;

use std::num::NonZeroU32;
use std::sync::Arc;

use db::Db;
use tracking::UserId;
use tracking::analysis::Analysis;
use tracking::loss::Loss;
use tracking::received::ReceivedEvent;
use tracking::timeline_page::Cursor;
use tracking::verdict::{TimelineFacts, Verdict, verdict};

use crate::clock::Clock;
use crate::config::AmplitudeConfig;
use crate::loss::LossMeter;
use cache::Cache;
use pages::BatchSource;
use quota::QueryQuota;

pub use pages::{FullTimeline, PageRequest, TimelinePage};
pub use quota::QueryShare;
pub use reader::{Activity, AmplitudeReader, AmplitudeUser, BATCH, ReadError, Search};

/// The most batches to read of one user in a real project: the newest 1,000 events.
const BATCHES_OF_PROJECT: usize = 1;

/// The most batches to read of one user from the stand-in: 200,000 events.
const BATCHES_OF_STAND_IN: usize = 200;

/// The most batches to search for one page.
const BATCHES_OF_PAGE: usize = 20;

/// How long responses of a real project are reused, in ms. An Amplitude ID does not change while a user's timeline is
/// read; a user who is unknown may have a first event at any time.
const EVENTS_AGE_MS: i64 = 60_000;
const KNOWN_ID_AGE_MS: i64 = 10 * 60_000;
const UNKNOWN_ID_AGE_MS: i64 = 60_000;

/// The most responses to keep. Each batch of events may have some megabytes.
const MAX_NEWEST: usize = 24;
const MAX_OLDER: usize = 8;
const MAX_IDS: usize = 1_000;

/// Reads timelines. Cheap to clone.
#[derive(Clone)]
pub struct Timeline {
    reader: AmplitudeReader,
    db: Db,
    clock: Clock,
    /// `None` for the stand-in, which has no rate limit.
    project: Option<Arc<ProjectReads>>,
    share: QueryShare,
    /// Flushed before facts are read.
    counts: Option<LossMeter>,
}

/// What limits the queries to a real project.
struct ProjectReads {
    quota: QueryQuota,
    /// Amplitude IDs by user ID, device ID or Amplitude ID.
    ids: Cache<String, Option<i64>>,
    /// Newest events by Amplitude ID.
    newest: Cache<i64, Arc<NewestEvents>>,
    /// Later batches of events by Amplitude ID and offset.
    older: Cache<(i64, usize), Arc<Activity>>,
}

impl ProjectReads {
    fn new(queries_per_hour: NonZeroU32) -> Self {
        Self {
            quota: QueryQuota::new(queries_per_hour),
            ids: Cache::new(MAX_IDS, |id| match id {
                Some(_) => KNOWN_ID_AGE_MS,
                None => UNKNOWN_ID_AGE_MS,
            }),
            newest: Cache::new(MAX_NEWEST, |_| EVENTS_AGE_MS),
            older: Cache::new(MAX_OLDER, |_| EVENTS_AGE_MS),
        }
    }
}

impl Timeline {
    /// Creates the reader for an Amplitude project and this database. It uses the operators' share of the queries.
    ///
    /// # Errors
    /// When the HTTP client cannot be created.
    pub fn new(amplitude: &AmplitudeConfig, db: Db, clock: Clock) -> Result<Self, ReadError> {
        Ok(Self {
            reader: AmplitudeReader::new(amplitude)?,
            db,
            clock,
            project: (!amplitude.is_local).then(|| Arc::new(ProjectReads::new(amplitude.queries_per_hour))),
            share: QueryShare::Operator,
            counts: None,
        })
    }

    /// Has the facts include the sessions that this meter has recorded and not written yet.
    #[must_use]
    pub fn with_counts(mut self, counts: LossMeter) -> Self {
        self.counts = Some(counts);
        self
    }

    /// The same timelines, read from this share of the queries.
    #[must_use]
    pub fn with_share(mut self, share: QueryShare) -> Self {
        self.share = share;
        self
    }

    /// The client of the API, for what only the stand-in supports. Its calls are neither cached nor counted.
    pub fn reader(&self) -> &AmplitudeReader {
        &self.reader
    }

    /// A user's newest events with their analysis. From a real project they may be a minute old.
    pub async fn newest(&self, person: i64) -> Result<Arc<NewestEvents>, ReadError> {
        let read = async || {
            let activity = Arc::new(self.reader.activity(person, 0).await?);
            let user = user_of(&activity.events);
            let (facts, loss) = self
                .facts_of_events(user, &activity.events, activity.is_full)
                .await?;
            Ok(Arc::new(NewestEvents {
                analysis: Arc::new(Analysis::of(&activity.events, facts)),
                activity,
                user,
                loss,
            }))
        };
        let Some(project) = &self.project else {
            return read().await;
        };
        let counted = self.counted(project, read());
        let now_ms = self.clock.now_ms();
        project.newest.get_or_read(person, now_ms, counted).await
    }

    /// A batch of a user's events. From a real project it may be up to a minute old.
    pub async fn activity(&self, person: i64, offset: usize) -> Result<Arc<Activity>, ReadError> {
        let read = async || Ok(Arc::new(self.reader.activity(person, offset).await?));
        let Some(project) = &self.project else {
            return read().await;
        };
        if offset == 0 {
            return Ok(Arc::clone(&self.newest(person).await?.activity));
        }
        let counted = self.counted(project, read());
        let now_ms = self.clock.now_ms();
        project.older.get_or_read((person, offset), now_ms, counted).await
    }

    /// The Amplitude ID for a user ID, device ID or Amplitude ID. From a real project, a known ID may be up to 10 minutes
    /// old, and an unknown one up to a minute.
    pub async fn find(&self, id: &str) -> Result<Option<i64>, ReadError> {
        let Some(project) = &self.project else {
            return self.reader.find(id).await;
        };
        let counted = self.counted(project, self.reader.find(id));
        let now_ms = self.clock.now_ms();
        project.ids.get_or_read(id.to_owned(), now_ms, counted).await
    }

    /// Reads from a real project, if the share has a query left.
    async fn counted<T>(
        &self,
        project: &ProjectReads,
        read: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        project.quota.spend(self.share)?;
        read.await
    }

    /// All events of a user that `keep` accepts, up to the limit of batches, and the facts of the account.
    pub async fn full(
        &self,
        person: i64,
        keep: &(dyn Fn(&ReceivedEvent) -> bool + Sync),
    ) -> Result<FullTimeline, ReadError> {
        let (most, newest) = match self.project {
            Some(_) => (BATCHES_OF_PROJECT, Some(self.newest(person).await?)),
            None => (BATCHES_OF_STAND_IN, None),
        };
        let batches = UserBatches {
            timeline: self,
            person,
            newest: newest.as_deref(),
        };
        let (events, cut_off) = pages::full(&batches, most, keep).await?;
        let facts = match newest {
            Some(newest) => newest.analysis.facts.clone(),
            None => self.facts_of_events(user_of(&events), &events, cut_off).await?.0,
        };
        Ok(FullTimeline {
            events,
            cut_off,
            facts,
        })
    }

    /// A page of a user's timeline.
    pub async fn page(
        &self,
        person: i64,
        query: &PageRequest,
        keep: &(dyn Fn(&ReceivedEvent) -> bool + Sync),
    ) -> Result<TimelinePage, ReadError> {
        let most = match self.project {
            Some(_) => BATCHES_OF_PROJECT,
            None => BATCHES_OF_PAGE,
        };
        let newest = match query.from == Cursor::default() {
            true => Some(self.newest(person).await?),
            false => None,
        };
        let batches = UserBatches {
            timeline: self,
            person,
            newest: newest.as_deref(),
        };
        let page = pages::page(&batches, most, query, keep).await?;
        Ok(TimelinePage { newest, ..page })
    }

    /// The facts of our database about a user. Empty for an unknown ID.
    pub async fn facts(&self, user: UserId) -> Result<TimelineFacts, ReadError> {
        Ok(self.facts_and_loss(user).await?.0)
    }

    async fn facts_and_loss(&self, user: UserId) -> Result<(TimelineFacts, Loss), ReadError> {
        if let Some(counts) = &self.counts {
            counts.flush().await?;
        }
        Ok(store::facts_and_loss(&self.db, user).await?)
    }

    /// The facts about the user whom the events name, and the loss of the user's browser events: no facts and `None` without a
    /// user. `cut_off`: there are older events that were not read.
    async fn facts_of_events(
        &self,
        user: Option<UserId>,
        events: &[ReceivedEvent],
        cut_off: bool,
    ) -> Result<(TimelineFacts, Option<Loss>), ReadError> {
        let (mut facts, loss) = match user {
            Some(user) => {
                let (facts, loss) = self.facts_and_loss(user).await?;
                (facts, Some(loss))
            }
            None => (TimelineFacts::default(), None),
        };
        facts.read_from_ms = read_from_ms(events, cut_off);
        Ok((facts, loss))
    }

    /// The verdict on a user's events, with the events. `id` is a user ID, a device ID or an Amplitude ID. `None` if
    /// Amplitude does not know it.
    pub async fn analyze(&self, id: &str) -> Result<Option<(Verdict, Vec<ReceivedEvent>)>, ReadError> {
        let Some(person) = self.find(id).await? else {
            return Ok(None);
        };
        let timeline = self.full(person, &|_| true).await?;
        Ok(Some((
            verdict(&timeline.events, &timeline.facts),
            timeline.events,
        )))
    }
}

/// A user's newest events, and their analysis with the facts that were read right after them.
#[derive(Debug)]
pub struct NewestEvents {
    /// The events.
    pub activity: Arc<Activity>,
    /// The user whom they name.
    pub user: Option<UserId>,
    /// Their analysis.
    pub analysis: Arc<Analysis>,
    /// The loss of the user's browser events. `None` if the events name no user.
    pub loss: Option<Loss>,
}

/// The batches of one user.
struct UserBatches<'a> {
    timeline: &'a Timeline,
    person: i64,
    /// The first batch, if it is already read.
    newest: Option<&'a NewestEvents>,
}

impl BatchSource for UserBatches<'_> {
    async fn batch(&self, offset: usize) -> Result<Arc<Activity>, ReadError> {
        match self.newest {
            Some(newest) if offset == 0 => Ok(Arc::clone(&newest.activity)),
            _ => self.timeline.activity(self.person, offset).await,
        }
    }
}

/// The time of the oldest event if older ones were not read, in ms since the epoch.
pub fn read_from_ms(events: &[ReceivedEvent], cut_off: bool) -> Option<i64> {
    let oldest = events.iter().map(|event| event.time_ms).min();
    oldest.filter(|_| cut_off)
}

/// The user whom most of the events name.
fn user_of(events: &[ReceivedEvent]) -> Option<UserId> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for user in events.iter().filter_map(|event| event.user.as_deref()) {
        *counts.entry(user).or_default() += 1;
    }
    let (user, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    UserId::parse(user)
}
