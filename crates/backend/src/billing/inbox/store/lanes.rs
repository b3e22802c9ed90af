//! Leases of lanes. A lane is one customer; the owner of its lease applies its webhooks one at a time.
//!
//! A lease is acquired by a conditional update of the lane's row, which works on both engines.

use sqlx::AnyPool;

/// A lane and the owner of its lease.
#[derive(Clone, Copy, Debug)]
pub(in crate::billing::inbox) struct Lease<'a> {
    pub(in crate::billing::inbox) lane: &'a str,
    pub(in crate::billing::inbox) owner: &'a str,
}

/// Inserts the lane if it does not exist, and locks it until the transaction ends, so that retention does not delete it
/// meanwhile.
pub(super) async fn ensure_lane(
    connection: &mut db::Connection,
    lane: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO stripe_lanes (lane, last_received_ms) VALUES ($1, $2)
         ON CONFLICT (lane) DO UPDATE SET last_received_ms = excluded.last_received_ms",
    )
    .bind(lane)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Lanes with due webhooks and without a valid lease, longest waiting first.
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

/// Acquires the lease, or renews the owner's own. `false` if another owner has it.
pub(in crate::billing::inbox) async fn acquire(
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

/// Renews the lease if the owner still has it.
pub(in crate::billing::inbox) async fn renew(
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

/// Releases the lease.
pub(in crate::billing::inbox) async fn release(
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

/// Whether the lease is still valid. Locks the lane's row until the transaction ends. Data fetched under an expired
/// lease may be older than what another worker has written.
pub(in crate::billing::inbox) async fn verify(
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
