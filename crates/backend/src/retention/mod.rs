//! How long rows are kept, and the sweeps that end, erase or delete them. `docs/retention.md` explains each period.
//!
//! The outbox removes its own rows (`outbox::prune`). Rows that are kept as long as their account are deleted with it
//! (`accounts::deletion`).

mod store;
#[cfg(test)]
mod tests;

use db::Db;

use crate::clock::Clock;
use Period::{Configured, Days, UntilExpiry};

const DAY_MS: i64 = 86_400_000;

/// The period after which a row has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    /// The row itself has the time at which it expires.
    UntilExpiry,
    /// Days since the time that the sweep compares.
    Days(u32),
    /// `OUTBOX_KEEP_DAYS`.
    Configured,
}

struct Sweep {
    /// The name in `docs/retention.md` and in logs.
    name: &'static str,
    period: Period,
    sql: &'static str,
}

const fn sweep(name: &'static str, period: Period, sql: &'static str) -> Sweep {
    Sweep { name, period, sql }
}

/// In this order: rows before the rows that they refer to.
#[rustfmt::skip]
const SWEEPS: [Sweep; 20] = [
    sweep("login cookies",              UntilExpiry, store::LOGIN_COOKIES),
    sweep("throttles",                  UntilExpiry, store::THROTTLES),
    sweep("idle logins",                Days(30),    store::IDLE_LOGINS),
    sweep("old logins",                 Days(90),    store::OLD_LOGINS),
    sweep("ended logins",               Days(90),    store::ENDED_LOGINS),
    sweep("mails",                      Days(30),    store::MAILS),
    sweep("mail tokens",                Days(30),    store::MAIL_TOKENS),
    sweep("votes of deleted polls",     Days(30),    store::VOTES_OF_DELETED_POLLS),
    sweep("deleted polls",              Days(30),    store::DELETED_POLLS),
    sweep("handoffs",                   Days(90),    store::HANDOFFS),
    sweep("addresses of handoffs",      Days(1),     store::HANDOFF_ADDRESSES),
    sweep("portal visits",              Days(90),    store::PORTAL_VISITS),
    sweep("SDK sightings",              Days(90),    store::SDK_SIGHTINGS),
    sweep("browser counts",             Configured,  store::BROWSER_COUNTS),
    sweep("webhook payloads",           Configured,  store::WEBHOOK_PAYLOADS),
    sweep("webhooks",                   Days(90),    store::WEBHOOKS),
    sweep("erased customers",           Days(90),    store::ERASED_CUSTOMERS),
    sweep("events of deleted accounts", Days(90),    store::EVENTS_OF_DELETED_ACCOUNTS),
    sweep("account deletions",          Days(90),    store::ACCOUNT_DELETIONS),
    sweep("files of builds",            Days(2),     store::FILES_OF_BUILDS),
];

/// Names of the sweeps, as in `docs/retention.md`.
pub fn sweep_names() -> impl Iterator<Item = &'static str> {
    SWEEPS.iter().map(|sweep| sweep.name)
}

/// Ends, erases and deletes what has expired. Cheap to clone.
#[derive(Clone)]
pub struct Retention {
    db: Db,
    clock: Clock,
    /// `OUTBOX_KEEP_DAYS`.
    keep_days: u32,
}

impl Retention {
    /// Creates the sweeps of this database. `keep_days` is the period of webhook payloads and of browser counts.
    pub const fn new(db: Db, clock: Clock, keep_days: u32) -> Self {
        Self { db, clock, keep_days }
    }

    /// Runs every sweep once, in batches of bounded size. Returns the number of changed rows. Any number of servers may
    /// call it at the same time.
    ///
    /// # Errors
    /// When a sweep fails; returns the last error. The other sweeps have run.
    pub async fn sweep(&self) -> Result<u64, sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let mut total = 0;
        let mut failed = None;
        for sweep in SWEEPS {
            let before_ms = expired_before_ms(sweep.period, self.keep_days, now_ms);
            match self.db.sweep(sweep.sql, before_ms).await {
                Ok(0) => {}
                Ok(rows) => {
                    total += rows;
                    tracing::info!(sweep = sweep.name, rows, "expired rows were removed");
                }
                Err(error) => {
                    tracing::warn!(
                        sweep = sweep.name,
                        error = &error as &dyn std::error::Error,
                        "cannot remove expired rows; the next round tries again"
                    );
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(total), Err)
    }
}

/// The time before which a row has expired, in ms since the epoch.
const fn expired_before_ms(period: Period, configured_days: u32, now_ms: i64) -> i64 {
    let days = match period {
        UntilExpiry => 0,
        Days(days) => days,
        Configured => configured_days,
    };
    now_ms.saturating_sub(days as i64 * DAY_MS)
}
