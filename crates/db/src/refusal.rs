//! Whether an error is about a value or about the database.

use sqlx::error::ErrorKind;

/// Whether the database works, and refuses a value or cannot return what was asked for. Another attempt fails too.
pub fn is_refusal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            // Postgres: a value that no column can hold, for example a text with a NUL.
            let is_data_exception = |code: &str| code.len() == 5 && code.starts_with("22");
            error.kind() != ErrorKind::Other || error.code().is_some_and(|code| is_data_exception(&code))
        }
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => true,
        _ => false,
    }
}
