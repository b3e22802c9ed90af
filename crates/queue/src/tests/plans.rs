//! The plan of each query with 100,000 rows: it uses an index and reads no whole table.

use db::testing::engines;
use db::{Db, Engine, Statement};
use sqlx::{AssertSqlSafe, Row};

use super::client::{JOBS, NOW, empty, execute};

/// Lanes of one row each, one lane of many rows, and finished rows of every lane.
async fn fill(db: &Db) {
    let rows = |select: &str, count: u32| {
        format!(
            "INSERT INTO jobs (lane, number, state, done_ms, next_attempt_ms, enqueued_ms)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
             SELECT {select} FROM n;"
        )
    };
    execute(
        db,
        &format!(
            "{} {} {}
             INSERT INTO jobs_lanes (lane, next_due_ms)
             SELECT lane, MIN(next_attempt_ms) FROM jobs WHERE state = 'pending' GROUP BY lane;",
            rows("CONCAT('lane ', i % 20000), i, 'done', 1, 1, 1", 50_000),
            rows(
                &format!("CONCAT('lane ', i), i, 'pending', NULL, {NOW} + i % 1000, 1"),
                20_000
            ),
            rows(&format!("'busy', i, 'pending', NULL, {NOW}, 1"), 30_000),
        ),
    )
    .await;
}

/// A parameter of a query.
#[derive(Clone)]
enum Parameter {
    Number(i64),
    Text(&'static str),
    Lane(usize),
}

/// Returns the lines of the plan.
async fn plan(db: &Db, engine: Engine, sql: &str, parameters: &[Parameter]) -> String {
    let (explain, column) = match engine {
        Engine::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        Engine::Postgres => ("EXPLAIN", 0),
    };
    let sql = AssertSqlSafe(format!("{explain} {sql}"));
    let query = sqlx::query(sql).persistent(false);
    let query = parameters.iter().fold(query, |query, parameter| match parameter {
        Parameter::Number(number) => query.bind(*number),
        Parameter::Text(text) => query.bind(*text),
        Parameter::Lane(number) => query.bind(format!("lane {number}")),
    });
    let rows = query.fetch_all(db.pool()).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(column)).collect();
    lines.join("\n")
}

const LANES: [Parameter; 2] = [Parameter::Text("lane 7"), Parameter::Text("busy")];
const NUMBER: Parameter = Parameter::Number(NOW);
const SMALL: Parameter = Parameter::Number(100);
const TEXT: Parameter = Parameter::Text("text");

#[tokio::test]
async fn every_query_uses_an_index_with_100_000_rows() {
    for engine in engines() {
        let test = empty(engine).await;
        fill(&test.db).await;
        assert_plans(&test.db, "jobs_by_lane").await;
    }
}

#[tokio::test]
async fn a_queue_of_unique_lanes_needs_no_index_of_its_pending_lanes() {
    for engine in engines() {
        let test = empty(engine).await;
        execute(
            &test.db,
            &format!(
                "DROP INDEX jobs_by_lane;
                 CREATE UNIQUE INDEX jobs_lane ON jobs (lane);
                 INSERT INTO jobs (lane, number, state, done_ms, next_attempt_ms, enqueued_ms)
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                 SELECT CASE i WHEN 20000 THEN 'busy' ELSE CONCAT('lane ', i) END, i,
                        CASE WHEN i <= 20000 THEN 'pending' ELSE 'done' END, 1, {NOW} + i % 1000, 1 FROM n;
                 INSERT INTO jobs_lanes (lane, next_due_ms)
                 SELECT lane, next_attempt_ms FROM jobs WHERE state = 'pending';"
            ),
        )
        .await;
        assert_plans(&test.db, "jobs_lane").await;
    }
}

/// Many lanes of two rows, and as many lanes in a claim as the dispatcher of the outbox takes. The statistics may be of a time
/// without pending rows.
#[tokio::test]
async fn a_claim_of_many_lanes_does_not_read_all_pending_rows() {
    for engine in engines() {
        for is_stale in [false, true] {
            assert_claim_plan(engine, is_stale).await;
        }
    }
}

async fn assert_claim_plan(engine: Engine, is_stale: bool) {
    const LANES: usize = 500;
    let test = empty(engine).await;
    let done = "INSERT INTO jobs (lane, number, state, done_ms, next_attempt_ms, enqueued_ms)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
         SELECT CONCAT('lane ', i / 20), i, 'done', 1, 1, 1 FROM n;";
    let pending = format!(
        "INSERT INTO jobs (lane, number, state, next_attempt_ms, enqueued_ms)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
         SELECT CONCAT('lane ', i / 2), i, 'pending', {NOW}, 1 FROM n;
         INSERT INTO jobs_lanes (lane, next_due_ms)
         SELECT DISTINCT lane, {NOW} FROM jobs WHERE state = 'pending';"
    );
    let analyze = "ANALYZE;";
    let steps = match is_stale {
        false => [done, &pending, analyze],
        true => [done, analyze, &pending],
    };
    execute(&test.db, &steps.concat()).await;
    let lanes = (engine == Engine::Postgres).then_some(LANES);
    let mut parameters = vec![NUMBER, Parameter::Number(500), Parameter::Number(9)];
    parameters.extend((0..lanes.unwrap_or_default()).map(Parameter::Lane));
    let sql = JOBS.due_rows_sql(engine, lanes);
    let plan = plan(&test.db, engine, &sql, &parameters).await;
    assert!(plan.contains("jobs_by_lane"), "{engine:?}, {is_stale}:\n{plan}");
    for scan in [
        "Seq Scan on jobs ",
        "jobs_pending on",
        "INDEX jobs_pending ",
        "SCAN queued",
    ] {
        assert!(!plan.contains(scan), "{engine:?}, {is_stale}: {scan}\n{plan}");
    }
}

/// SQLite has no statistics in production. Postgres collects them without being asked.
async fn assert_plans(db: &Db, lane_index: &str) {
    if db.engine() == Engine::Sqlite {
        assert_plans_now(db, lane_index).await;
    }
    let analyze = match db.engine() {
        Engine::Sqlite => "ANALYZE",
        Engine::Postgres => "ANALYZE jobs, jobs_lanes",
    };
    db.execute([Statement::new(analyze)]).await.unwrap();
    assert_plans_now(db, lane_index).await;
}

/// `lane_index`: the index of the lanes' pending rows.
async fn assert_plans_now(db: &Db, lane_index: &str) {
    let engine = db.engine();
    let [lane, busy] = LANES;
    let locked = (engine == Engine::Postgres).then_some(2);
    let [lane, busy] = [&lane, &busy];
    let release = JOBS.release_sql(true, 2);
    #[rustfmt::skip]
    let queries = [
        (JOBS.is_due_sql(),                                vec![&NUMBER],                             vec!["jobs_lanes_due"]),
        (JOBS.due_lanes_sql(engine),                       vec![&NUMBER, &SMALL],                     vec!["jobs_lanes_due"]),
        (JOBS.due_rows_sql(engine, locked),                vec![&NUMBER, &SMALL, &SMALL, lane, busy], vec![lane_index]),
        (JOBS.ended_lease_sql(),                           vec![&NUMBER, &SMALL, lane],               vec![lane_index]),
        (JOBS.lease_sql(2),                                vec![&NUMBER, &NUMBER, &TEXT, lane, &NUMBER, busy, &NUMBER], vec!["jobs_lanes"]),
        (JOBS.lock_lanes_sql(2),                           vec![&NUMBER, lane, busy],                 vec![]),
        (JOBS.held_lanes_sql(engine, 2),                   vec![&TEXT, lane, busy],                   vec!["jobs_lanes"]),
        (JOBS.finish_sql("done", "50007,70009"),           vec![&NUMBER],                             vec![]),
        (JOBS.park_sql(&[(50_007, String::new())]),        vec![&NUMBER, &TEXT],                      vec![]),
        (JOBS.retry_sql("(50007,1,1,1,CAST(NULL AS BIGINT),CAST($1 AS TEXT))"), vec![&TEXT],          vec![]),
        (release[0].clone(),                               vec![&TEXT, lane, busy],                   vec![lane_index]),
        (release[1].clone(),                               vec![&TEXT, lane, busy],                   vec![lane_index]),
        (JOBS.counts_sql(),                                vec![&SMALL],                              vec!["jobs_pending", "jobs_parked", "jobs_lanes_leased"]),
    ];
    for (sql, parameters, indexes) in queries {
        let given = parameters.len().min(sql.matches('$').count());
        let parameters: Vec<_> = parameters[..given]
            .iter()
            .map(|parameter| (*parameter).clone())
            .collect();
        let plan = plan(db, engine, &sql, &parameters).await;
        for index in indexes {
            assert!(
                plan.contains(index),
                "{engine:?}: {index} is not used:\n{sql}\n{plan}"
            );
        }
        let scans = plan.lines().filter(|line| {
            let tables = ["SCAN jobs", "SCAN lanes", "SCAN queued", "SCAN last"];
            // An index of all rows is no better than the table.
            let reads_few = line.contains("INDEX") && !line.contains("jobs_by_lane");
            line.contains("Seq Scan") || !reads_few && tables.iter().any(|table| line.contains(table))
        });
        assert_eq!(
            scans.collect::<Vec<_>>(),
            Vec::<&str>::new(),
            "{engine:?}:\n{sql}\n{plan}"
        );
    }
}
