//! SQL of poll lists.

use db::Statement;
use forms::search_text;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use tracking::UserId;

use super::{COLUMNS, number, poll_of};
use crate::polls::{Poll, PollCounts, PollFilter};

/// Whether a poll takes votes at `$2`.
const IS_OPEN: &str = "(deleted_at IS NULL AND closed_at IS NULL AND (closes_at IS NULL OR closes_at > $2))";

/// Returns polls with options and voter counts, newest first, and the number of the owner's polls in each state.
pub(in crate::polls) async fn list(
    connection: &mut db::Connection,
    owner: UserId,
    filter: PollFilter,
    find: &str,
    now_ms: i64,
    limit: i64,
) -> Result<(Vec<Poll>, PollCounts), sqlx::Error> {
    let found = found(owner, filter, find, now_ms, limit);
    let [polls, counts] = db::fetch_all(connection, [found, counted(owner, now_ms)]).await?;
    Ok((read_polls(&polls)?, read_counts(&counts)?))
}

/// Reads the number of the owner's polls in each state.
pub(in crate::polls) async fn counts(
    connection: &mut db::Connection,
    owner: UserId,
    now_ms: i64,
) -> Result<PollCounts, sqlx::Error> {
    read_counts(&counted(owner, now_ms).fetch(connection).await?)
}

fn found(owner: UserId, filter: PollFilter, find: &str, now_ms: i64, limit: i64) -> Statement {
    let condition = match filter {
        PollFilter::All => "deleted_at IS NULL AND $2 = $2".to_owned(),
        PollFilter::Open => IS_OPEN.to_owned(),
        PollFilter::Closed => format!("deleted_at IS NULL AND NOT {IS_OPEN}"),
        PollFilter::Deleted => "deleted_at IS NOT NULL AND $2 = $2".to_owned(),
    };
    // Only our own conditions are interpolated.
    let select = AssertSqlSafe(format!(
        "SELECT {COLUMNS}, poll_options.label
         FROM (
             SELECT * FROM polls WHERE user_id = $1 AND {condition} AND search_key LIKE $3 ESCAPE '!'
             ORDER BY created_at DESC, id DESC LIMIT $4
         ) AS polls
         JOIN poll_options ON poll_options.poll_id = polls.id
         ORDER BY polls.created_at DESC, polls.id DESC, poll_options.position"
    ));
    Statement::new(select)
        .bind(owner.to_string())
        .bind(now_ms)
        .bind(pattern(find))
        .bind(limit)
}

/// A row for each option.
fn read_polls(rows: &[AnyRow]) -> Result<Vec<Poll>, sqlx::Error> {
    let mut polls: Vec<Poll> = Vec::new();
    for row in rows {
        let poll = poll_of(row)?;
        if polls.last().is_none_or(|last| last.id != poll.id) {
            polls.push(poll);
        }
        if let Some(last) = polls.last_mut() {
            last.options.push(row.try_get("label")?);
        }
    }
    Ok(polls)
}

/// A LIKE pattern for texts that contain `find`. Escapes wildcards.
fn pattern(find: &str) -> String {
    let mut pattern = String::from("%");
    for letter in search_text(find).chars().filter(|&letter| letter != '\0') {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn counted(owner: UserId, now_ms: i64) -> Statement {
    let select = AssertSqlSafe(format!(
        "SELECT COUNT(CASE WHEN {IS_OPEN} THEN 1 END) AS open_count,
             COUNT(CASE WHEN deleted_at IS NULL THEN 1 END) AS undeleted_count,
             COUNT(CASE WHEN deleted_at IS NOT NULL THEN 1 END) AS deleted_count
         FROM polls WHERE user_id = $1"
    ));
    Statement::new(select).bind(owner.to_string()).bind(now_ms)
}

fn read_counts(rows: &[AnyRow]) -> Result<PollCounts, sqlx::Error> {
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let open = number(row.try_get("open_count")?);
    Ok(PollCounts {
        open,
        closed: number(row.try_get("undeleted_count")?).saturating_sub(open),
        deleted: number(row.try_get("deleted_count")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_escape_wildcards_and_ignore_case() {
        for (find, expected) in [
            ("", "%%"),
            (" Lunch ", "%lunch%"),
            ("100%", "%100!%%"),
            ("a_b!", "%a!_b!!%"),
            ("\\", "%\\%"),
            ("x\0y", "%xy%"),
        ] {
            assert_eq!(pattern(find), expected, "{find}");
        }
    }
}
