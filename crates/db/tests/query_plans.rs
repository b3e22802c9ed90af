//! No statement of a page or a worker scans a table. The statements are read off the stores' source, and both engines
//! explain them. The plan tests of `crates/queue` cover its statements, at 100,000 rows.

#![expect(
    clippy::unwrap_used,
    reason = "also in helpers of the tests, where clippy does not allow it by default"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use db::Engine;
use db::testing::{TestDb, engines};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

/// Statements that may read a whole table: how they begin, and why.
const SCANS: [(&str, &str); 5] = [
    (
        "SELECT '' AS campaign",
        "the operators' campaign report adds up all accounts and payments",
    ),
    (
        "SELECT COUNT(DISTINCT stripe_customers.user_id)",
        "the operators' revenue page counts all paying customers",
    ),
    (
        "SELECT event_type, reason, webhooks",
        "one row for each of Stripe's event types",
    ),
    (
        "SELECT lane, sequence, parked_reason FROM account_deletions",
        "an operator's replay of parked deletions",
    ),
    (
        "SELECT lane FROM (SELECT lane, sequence FROM outbox",
        "reads the newest rows by primary key, and ends early",
    ),
];

/// How the queries of the outbox's pages begin.
const OUTBOX_ENTRIES: &str = "SELECT outbox.*, lanes.leased_to FROM outbox LEFT JOIN outbox_lanes AS lanes \
    ON lanes.lane = outbox.lane AND lanes.leased_to >= outbox.sequence AND outbox.state = 'pending' ";

/// What the code puts into `{}`: how the statement begins, the placeholder, and one of its values.
const FILLERS: [(&str, &str, &str); 14] = [
    (
        "SELECT event_id",
        "{order}",
        "WHERE state = 'parked' ORDER BY parked_ms DESC, sequence DESC",
    ),
    ("SELECT", "{keys}", "$1, $2"),
    ("SELECT named.login", "{login}", "data"),
    ("INSERT INTO poll_options", "{}", "($1, $2, $3)"),
    ("INSERT INTO vote_choices", "{}", "($1, $2)"),
    ("INSERT INTO stripe_inbox", "{}", "($1, $2, $3, $4, $5, $5)"),
    ("SELECT id FROM stripe_customers", "{}", "$1, $2"),
    (
        "SELECT polls.id",
        "{condition}",
        "deleted_at IS NULL AND created_at > $2",
    ),
    (
        "SELECT COUNT(*) AS sessions",
        "{condition}",
        "user_id = $1 OR (user_id IS NULL AND device_id IN (SELECT device_id FROM browser_counts WHERE user_id = $1))",
    ),
    ("SELECT event_type, insert_id", "{}", "$2, $3"),
    ("SELECT {", "{}", "''"),
    ("SELECT {", "{campaign}", "''"),
    ("SELECT '' AS campaign", "{table}", "refunds"),
    ("SELECT '' AS campaign", "{status}", "succeeded"),
];

/// The Rust files below a folder of the workspace, with their text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut open: Vec<PathBuf> = vec![Path::new("../..").join(folder)];
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push((
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            ));
        }
    }
    files
}

/// The statements of the stores, with the file of each. Constants of the same crate in `{}` are put in.
fn statements() -> (Vec<(String, String)>, Vec<String>) {
    let files = [sources("crates/backend/src"), sources("crates/outbox/src")].concat();
    let literals: Vec<(String, String)> = files
        .iter()
        .filter(|(name, _)| !name.contains("test"))
        .flat_map(|(name, text)| {
            string_literals(without_tests(text))
                .into_iter()
                .map(|literal| (name.clone(), literal))
        })
        .collect();
    let constants: BTreeMap<String, String> = files.iter().flat_map(|(_, text)| constants(text)).collect();
    let (mut statements, mut dynamic) = (Vec::new(), Vec::new());
    for (file, literal) in literals {
        let mut statement = literal.split_whitespace().collect::<Vec<_>>().join(" ");
        // The conditions of the outbox's pages continue one beginning.
        if statement.starts_with("WHERE outbox.") {
            statement.insert_str(0, OUTBOX_ENTRIES);
        }
        let first = statement.split(' ').next().unwrap_or_default();
        if !["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&first)
            || statement == OUTBOX_ENTRIES.trim()
        {
            continue;
        }
        for (name, value) in &constants {
            statement = statement.replace(&format!("{{{name}}}"), value);
        }
        for (start, placeholder, value) in FILLERS {
            if statement.starts_with(start) {
                statement = statement.replace(placeholder, value);
            }
        }
        if statement.contains('{') {
            dynamic.push(statement);
        } else {
            statements.push((file, statement));
        }
    }
    (statements, dynamic)
}

/// The string literals of a source file, as the compiler reads them. Comments contain no `"` that is not in pairs.
fn string_literals(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut literals = Vec::new();
    let mut characters = code
        .replace("'\"'", "")
        .chars()
        .collect::<Vec<_>>()
        .into_iter()
        .peekable();
    while characters.any(|character| character == '"') {
        let mut literal = String::new();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => match characters.next() {
                    Some('\n') => while characters.next_if(|next| next.is_whitespace()).is_some() {},
                    escaped => literal.extend(escaped),
                },
                character => literal.push(character),
            }
        }
        literals.push(literal);
    }
    literals
}

/// The constants with one string literal.
fn constants(text: &str) -> Vec<(String, String)> {
    let parts = text.split("const ").skip(1);
    parts
        .filter_map(|part| {
            let (name, rest) = part.split_once(": &str =")?;
            let value = string_literals(rest).into_iter().next()?;
            Some((name.to_owned(), value))
        })
        .collect()
}

/// The text up to the tests at its end.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

fn parameters(statement: &str) -> usize {
    (1..)
        .take_while(|number| statement.contains(&format!("${number}")))
        .count()
}

/// The tables and whole indexes that a statement reads from the beginning to the end. An index of some rows only is not
/// one: it has the rows that the statement is about. With LIMIT and the index's order the statement ends early.
async fn sqlite_scans(test: &TestDb, partial: &BTreeSet<String>, statement: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = sqlx::query(explain).fetch_all(test.db.pool()).await;
    let steps: Vec<String> = rows
        .unwrap_or_else(|error| panic!("{error}: {statement}"))
        .iter()
        .map(|row| row.get("detail"))
        .collect();
    let tables = tables(test).await;
    let is_sorted = steps.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
    steps
        .into_iter()
        .filter(|step| {
            let mut words = step.split(' ');
            // A scan of a subquery's result is none of a table. An alias is the table's name with `AS`.
            let is_scan = words.next() == Some("SCAN");
            let name = words.next().unwrap_or_default();
            let is_subquery = statement.contains(&format!(") AS {name}"));
            let is_table = tables.contains(name) || statement.contains(&format!(" AS {name}"));
            let index = step
                .split("INDEX ")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            let ends_early = statement.contains("LIMIT") && statement.contains("ORDER BY") && !is_sorted;
            let is_bounded = index.is_some_and(|index| partial.contains(index) || ends_early);
            is_scan && is_table && !is_subquery && !is_bounded
        })
        .collect()
}

async fn tables(test: &TestDb) -> BTreeSet<String> {
    let tables = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'");
    let tables: Vec<String> = tables.fetch_all(test.db.pool()).await.unwrap();
    tables.into_iter().collect()
}

async fn partial_indexes(test: &TestDb) -> BTreeSet<String> {
    let sql = match test.db.engine() {
        Engine::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'",
        Engine::Postgres => "SELECT CAST(indexname AS TEXT) FROM pg_indexes WHERE indexdef LIKE '% WHERE %'",
    };
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(test.db.pool()).await.unwrap();
    names.into_iter().collect()
}

/// Prepares the statement as `tested`. Postgres infers the types of most parameters. sqlx passes those of the values, which
/// are found here by trying.
async fn prepare(connection: &mut PgConnection, statement: &str) {
    let number = parameters(statement);
    for known in ["text", "bigint"] {
        for chosen in 0..1_u32 << number {
            let types = (0..number).map(|bit| if chosen >> bit & 1 == 1 { known } else { "unknown" });
            let list = types.collect::<Vec<_>>().join(", ");
            let list = if list.is_empty() {
                list
            } else {
                format!("({list})")
            };
            let prepare = AssertSqlSafe(format!("PREPARE tested {list} AS {statement}"));
            if connection.execute(prepare).await.is_ok() {
                return;
            }
        }
    }
    panic!("no types fit: {statement}");
}

/// As [`sqlite_scans`]. The planner may use a sequential scan only where nothing else is possible.
async fn postgres_scans(
    connection: &mut PgConnection,
    partial: &BTreeSet<String>,
    statement: &str,
) -> Vec<String> {
    prepare(connection, statement).await;
    let values = vec!["NULL"; parameters(statement)].join(", ");
    let values = if values.is_empty() {
        values
    } else {
        format!("({values})")
    };
    let explain = AssertSqlSafe(format!("EXPLAIN (FORMAT JSON) EXECUTE tested{values}"));
    let row = connection
        .fetch_one(explain)
        .await
        .unwrap_or_else(|error| panic!("{error}: {statement}"));
    connection.execute("DEALLOCATE tested").await.unwrap();
    let plan: Value = serde_json::from_str(row.try_get_raw(0).unwrap().as_str().unwrap()).unwrap();
    let mut scans = Vec::new();
    let mut open = vec![&plan[0]["Plan"]];
    while let Some(node) = open.pop() {
        let index = node["Index Name"].as_str();
        let is_bounded = index.is_some_and(|index| partial.contains(index) || statement.contains("LIMIT"));
        let is_scan = match node["Node Type"].as_str() {
            Some("Seq Scan") => true,
            Some("Index Scan" | "Index Only Scan" | "Bitmap Index Scan") => node.get("Index Cond").is_none(),
            _ => false,
        };
        if is_scan && !is_bounded {
            scans.push(format!("{} {}", node["Node Type"], node["Relation Name"]));
        }
        open.extend(node["Plans"].as_array().into_iter().flatten());
    }
    scans
}

#[tokio::test]
async fn no_statement_scans_a_table() {
    let (statements, dynamic) = statements();
    assert!(
        statements.len() > 150,
        "only {} statements were found",
        statements.len()
    );
    assert!(dynamic.is_empty(), "FILLERS has no value for: {dynamic:#?}");
    let mut found = Vec::new();
    let mut allowed = BTreeSet::new();
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let partial = partial_indexes(&test).await;
        let mut postgres = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => {
                let mut connection = PgConnection::connect(&test.url).await.unwrap();
                let settings = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";
                connection.execute(settings).await.unwrap();
                Some(connection)
            }
        };
        for (file, statement) in &statements {
            let scans = match &mut postgres {
                None => sqlite_scans(&test, &partial, statement).await,
                Some(connection) => postgres_scans(connection, &partial, statement).await,
            };
            if scans.is_empty() {
                continue;
            }
            match SCANS.iter().find(|(start, _)| statement.starts_with(start)) {
                Some((start, _)) => drop(allowed.insert(*start)),
                None => found.push(format!("{engine:?} {scans:?} in {file}: {statement}")),
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    let unused: Vec<_> = SCANS
        .iter()
        .filter(|(start, _)| !allowed.contains(start))
        .collect();
    assert!(unused.is_empty(), "these need no exception: {unused:?}");
}
