//! Polls: make one, list one's own.

mod store;

use db::Db;
use forms::PollDraft;
use tracking::UserId;
use uuid::Uuid;

use crate::clock::Clock;
use crate::ids;

/// A poll in its owner's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// The poll's ID.
    pub id: Uuid,
    /// What is asked.
    pub question: String,
    /// In the owner's order.
    pub options: Vec<String>,
    /// Whether a voter may choose several.
    pub multiple_choice: bool,
    /// Ms since the epoch.
    pub created_at: i64,
}

/// The verbs. Cheap to clone.
#[derive(Clone)]
pub struct Polls {
    db: Db,
    clock: Clock,
}

/// Most polls that a list shows.
const LISTED: i64 = 200;

impl Polls {
    /// Over this database.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Makes the poll. `form` names the form that was filled in: sent twice, it makes one poll, and the same one is
    /// answered. No event here: `Poll created` is the browser's, after this has returned.
    pub async fn create(&self, owner: UserId, draft: &PollDraft, form: Uuid) -> Result<Poll, sqlx::Error> {
        let poll = Poll {
            id: ids::row(),
            question: draft.question.clone(),
            options: draft.options.clone(),
            multiple_choice: draft.multiple_choice,
            created_at: self.clock.now_ms(),
        };
        let mut tx = self.db.write().await?;
        let id = match store::insert(&mut tx, owner, &poll, form).await? {
            true => {
                store::insert_options(&mut tx, poll.id, &poll.options).await?;
                poll.id
            }
            false => store::made_by(&mut tx, owner, form).await?,
        };
        tx.commit().await?;
        Ok(Poll { id, ..poll })
    }

    /// The person's polls, newest first, 200 at most.
    pub async fn of(&self, owner: UserId) -> Result<Vec<Poll>, sqlx::Error> {
        store::by_owner(self.db.pool(), owner, LISTED).await
    }
}
