//! All SQL of this crate. Both engines run the same statements, except for inserts and for the row locks on Postgres.
//!
//! A transaction that inserts, claims, parks or settles rows of a lane first locks the lane's row. On SQLite the write
//! transaction is the lock. In a statement of several rows, numbers that this crate has read from the tables are written into
//! the text; all texts are bound. A statement of a single lane or row has one text, and stays prepared.

mod claim;
mod counts;
mod lanes;
mod settle;

use std::fmt::Write as _;

use db::Engine;

/// The state of a row that waits, in conditions that name the lane. As a subquery it rules out the index of all pending rows: with
/// statistics of a time without pending rows, both engines would read that one for each lane.
const PENDING: &str = "(SELECT 'pending')";

/// Returns `count` placeholders from `$first`, separated by commas.
fn placeholders(first: usize, count: usize) -> String {
    let mut list = String::with_capacity(count * 6);
    for number in first..first + count {
        if number > first {
            list.push(',');
        }
        // Writing to a string does not fail.
        let _ = write!(list, "${number}");
    }
    list
}

/// Returns numbers separated by commas.
fn numbers(values: impl Iterator<Item = i64>) -> String {
    let mut list = String::new();
    for value in values {
        if !list.is_empty() {
            list.push(',');
        }
        let _ = write!(list, "{value}");
    }
    list
}

/// Locks the selected lanes, in the order of the statement.
const fn for_update(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "",
        Engine::Postgres => "FOR UPDATE",
    }
}

/// Locks the selected lanes. Skips lanes that another transaction has locked.
const fn for_update_skip_locked(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "",
        Engine::Postgres => "FOR UPDATE SKIP LOCKED",
    }
}
