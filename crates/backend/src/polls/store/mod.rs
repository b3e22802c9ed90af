//! SQL of polls and votes.

mod lists;
mod polls;
mod votes;

pub(super) use lists::{counts, list};
pub(super) use polls::{
    PollRecord, close, close_due, created_by_form, delete, delete_options, due, insert, insert_options, lock,
    lock_owner, plan, poll, restore, update,
};
pub(super) use votes::{
    REVISIONS, change_vote, insert_choices, insert_vote, polls_voted_on, results, transfer_vote, vote_of,
};

use sqlx::Row;
use sqlx::any::AnyRow;
use tracking::{AccountType, UserId};
use uuid::Uuid;

use super::{ClosedBy, Poll};

/// The columns that [`poll_of`] reads. The query must name the table `polls`.
const COLUMNS: &str = "polls.id, polls.user_id, polls.question, polls.multiple_choice, polls.created_at, polls.closes_at, \
     polls.closed_by, polls.deleted_at, polls.edits, polls.deletions, \
     (SELECT COUNT(*) FROM votes WHERE votes.poll_id = polls.id) AS voters";

/// Reads a poll without its options.
fn poll_of(row: &AnyRow) -> Result<Poll, sqlx::Error> {
    let closed: Option<String> = row.try_get("closed_by")?;
    Ok(Poll {
        id: uuid(&row.try_get::<String, _>("id")?)?,
        question: row.try_get("question")?,
        options: Vec::new(),
        multiple_choice: row.try_get::<i64, _>("multiple_choice")? == 1,
        created_at_ms: row.try_get("created_at")?,
        closes_at_ms: row.try_get("closes_at")?,
        closed: closed.map(|by| match by.as_str() {
            "time" => ClosedBy::Time,
            _ => ClosedBy::Owner,
        }),
        deleted_at_ms: row.try_get("deleted_at")?,
        edits: row.try_get("edits")?,
        voters: number(row.try_get("voters")?),
    })
}

fn owner_of(row: &AnyRow) -> Result<UserId, sqlx::Error> {
    let id: String = row.try_get("user_id")?;
    UserId::parse(&id).ok_or_else(|| sqlx::Error::Decode("polls.user_id is no UUID".into()))
}

fn account_type(text: &str) -> AccountType {
    match text {
        "pro" => AccountType::Pro,
        _ => AccountType::Free,
    }
}

fn uuid(text: &str) -> Result<Uuid, sqlx::Error> {
    Uuid::parse_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Converts a count to `u32`.
fn number(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
