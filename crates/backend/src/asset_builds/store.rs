//! SQL of builds and their files.

use sqlx::Row;

use super::AssetFile;

/// The number of stored files of a build.
pub(super) async fn count(connection: &mut db::Connection, build: &str) -> Result<usize, sqlx::Error> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM asset_files WHERE build = $1")
        .bind(build)
        .fetch_one(connection)
        .await?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Records that the build is in use.
pub(super) async fn touch(
    connection: &mut db::Connection,
    build: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO asset_builds (build, used_at_ms) VALUES ($1, $2)
         ON CONFLICT (build) DO UPDATE SET used_at_ms = excluded.used_at_ms",
    )
    .bind(build)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores a file, unless it is stored: another server may have the same build.
pub(super) async fn insert(
    connection: &mut db::Connection,
    build: &str,
    file: &AssetFile,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO asset_files (build, path, encoding, content) VALUES ($1, $2, $3, $4)
         ON CONFLICT (build, path, encoding) DO NOTHING",
    )
    .bind(build)
    .bind(&file.path)
    .bind(&file.encoding)
    .bind(file.content.as_slice())
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns the file in each of its encodings.
pub(super) async fn file(pool: &db::Pool, build: &str, path: &str) -> Result<Vec<AssetFile>, sqlx::Error> {
    let rows = sqlx::query("SELECT encoding, content FROM asset_files WHERE build = $1 AND path = $2")
        .bind(build)
        .bind(path)
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(AssetFile {
                path: path.to_owned(),
                encoding: row.try_get("encoding")?,
                content: row.try_get("content")?,
            })
        })
        .collect()
}
