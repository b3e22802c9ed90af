//! Lanes: one customer's webhooks are applied one at a time, by whoever holds the lane's lease.
//!
//! The claim is a conditional update of the lane's row, the same on both engines: whoever finds the lease free takes it.

use sqlx::AnyPool;

/// A lane that is ours until its lease ends.
#[derive(Clone, Copy, Debug)]
pub(in crate::billing::inbox) struct Lease<'a> {
    pub(in crate::billing::inbox) lane: &'a str,
    pub(in crate::billing::inbox) owner: &'a str,
}

/// Makes sure that there is such a lane.
pub(super) async fn enter(connection: &mut db::Connection, lane: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO stripe_lanes (lane) VALUES ($1) ON CONFLICT (lane) DO NOTHING")
        .bind(lane)
        .execute(connection)
        .await?;
    Ok(())
}

/// Lanes with something due that nobody is at, longest waiting first.
pub(in crate::billing::inbox) async fn due(
    pool: &AnyPool,
    now_ms: i64,
    most: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT inbox.lane FROM stripe_inbox AS inbox JOIN stripe_lanes AS lanes ON lanes.lane = inbox.lane
         WHERE inbox.state = 'pending' AND inbox.next_attempt_ms <= $1
           AND (lanes.lease_until_ms IS NULL OR lanes.lease_until_ms <= $1)
         GROUP BY inbox.lane ORDER BY MIN(inbox.next_attempt_ms) LIMIT $2",
    )
    .bind(now_ms)
    .bind(most)
    .fetch_all(pool)
    .await
}

/// Takes the lane, or keeps it for longer. `false`: somebody else has it.
pub(in crate::billing::inbox) async fn take(
    connection: &mut db::Connection,
    lease: Lease<'_>,
    now_ms: i64,
    until_ms: i64,
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query(
        "UPDATE stripe_lanes SET lease_owner = $2, lease_until_ms = $3
         WHERE lane = $1 AND (lease_until_ms IS NULL OR lease_until_ms <= $4 OR lease_owner = $2)",
    )
    .bind(lease.lane)
    .bind(lease.owner)
    .bind(until_ms)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Keeps the lane for longer, if it is still ours.
pub(in crate::billing::inbox) async fn prolong(
    connection: &mut db::Connection,
    lease: Lease<'_>,
    now_ms: i64,
    until_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_lanes SET lease_until_ms = $3
         WHERE lane = $1 AND lease_owner = $2 AND lease_until_ms > $4",
    )
    .bind(lease.lane)
    .bind(lease.owner)
    .bind(until_ms)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives the lane back.
pub(in crate::billing::inbox) async fn leave(
    connection: &mut db::Connection,
    lease: Lease<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE stripe_lanes SET lease_owner = NULL, lease_until_ms = NULL WHERE lane = $1 AND lease_owner = $2",
    )
    .bind(lease.lane)
    .bind(lease.owner)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the lane is still ours, and locks it until the transaction ends: what was fetched under a lease that ran out
/// may be older than what somebody else wrote meanwhile.
pub(in crate::billing::inbox) async fn hold(
    connection: &mut db::Connection,
    lease: Lease<'_>,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let held = sqlx::query(
        "UPDATE stripe_lanes SET lease_owner = lease_owner
         WHERE lane = $1 AND lease_owner = $2 AND lease_until_ms > $3",
    )
    .bind(lease.lane)
    .bind(lease.owner)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(held.rows_affected() == 1)
}
