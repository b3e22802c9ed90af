//! Several people's stories at once, for figures over everybody.
//!
//! A real project allows 360 queries an hour, and each person costs two (Dashboard REST API, "Rate limits"), so there it
//! is the newest few who stand for all.

use futures::stream::{self, StreamExt, TryStreamExt};
use tracking::UserId;
use tracking::received::ReceivedEvent;
use tracking::verdict::Facts;

use super::{ReadError, Timeline, read_from};

/// Most people of a real project.
const MOST_OF_PROJECT: i64 = 10;

/// Most people of the stand-in.
const MOST_OF_STAND_IN: i64 = 100;

/// Stories that are read at the same time.
const AT_ONCE: usize = 4;

/// Somebody's story, as far as one reading gives it: their newest 1,000 events.
#[derive(Clone, Debug)]
pub struct TheirStory {
    /// Whose.
    pub user: UserId,
    /// Events, newest first.
    pub events: Vec<ReceivedEvent>,
    /// What they are held against.
    pub facts: Facts,
}

impl Timeline {
    /// How many people's stories may be read for one page.
    pub const fn most_people(&self) -> i64 {
        match self.cache {
            Some(_) => MOST_OF_PROJECT,
            None => MOST_OF_STAND_IN,
        }
    }

    /// Those of whom the server had something to tell last, the latest first.
    pub async fn newest_people(&self) -> Result<Vec<UserId>, ReadError> {
        Ok(outbox::recent_users(&self.db, self.most_people()).await?)
    }

    /// The stories of these people, in their order. Of whom nothing has arrived, the story is empty.
    pub async fn stories(&self, people: Vec<UserId>) -> Result<Vec<TheirStory>, ReadError> {
        stream::iter(people)
            .map(|user| self.their_story(user))
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn their_story(&self, user: UserId) -> Result<TheirStory, ReadError> {
        let mut story = TheirStory {
            user,
            events: Vec::new(),
            facts: self.facts(user).await?,
        };
        if let Some(person) = self.reader.find(&user.to_string()).await? {
            let activity = self.activity(person, 0).await?;
            let events = activity.events.iter().filter_map(ReceivedEvent::from_export);
            story.events = events.collect();
            let cut_off = activity.events.len() >= super::BATCH;
            story.facts.read_from_ms = read_from(&story.events, cut_off);
        }
        Ok(story)
    }
}
