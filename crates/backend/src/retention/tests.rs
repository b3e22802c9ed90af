//! The sweeps read no table in full.

use db::Engine;
use db::testing::TestDb;
use sqlx::{AssertSqlSafe, Row};

use super::*;

#[tokio::test]
async fn every_sweep_finds_its_rows_by_an_index() {
    let test = TestDb::new(Engine::Sqlite).await;
    for sweep in SWEEPS {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", sweep.sql));
        let steps = sqlx::query(explain)
            .bind(0_i64)
            .bind(1_i64)
            .fetch_all(test.db.pool())
            .await
            .unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        assert!(
            steps.iter().all(|step| !step.starts_with("SCAN")),
            "{}: {steps:?}",
            sweep.name
        );
    }
}

#[test]
fn a_row_expires_by_its_period() {
    #[rustfmt::skip]
    let table = [
        (UntilExpiry, 1_795_000_000_000),
        (Days(1),     1_794_913_600_000),
        (Days(90),    1_787_224_000_000),
        (Configured,  1_794_395_200_000),
    ];
    for (period, before_ms) in table {
        assert_eq!(
            expired_before_ms(period, 7, 1_795_000_000_000),
            before_ms,
            "{period:?}"
        );
    }
}
