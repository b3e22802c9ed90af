//! Reads revisions by key.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, query::QueryAs};

use crate::key_list::{self, MAX_KEYS};

/// Returns the revisions of the rows that exist.
pub(super) async fn read(
    pool: &db::Pool,
    query: &str,
    keys: &[String],
) -> Result<HashMap<String, i64>, sqlx::Error> {
    let mut found = HashMap::new();
    for keys in keys.chunks(MAX_KEYS) {
        let statement = key_list::statement(query, keys.len());
        let query = sqlx::query_as(AssertSqlSafe(statement));
        let query = key_list::parameters(keys).fold(query, QueryAs::bind);
        found.extend(query.fetch_all(pool).await?);
    }
    Ok(found)
}
