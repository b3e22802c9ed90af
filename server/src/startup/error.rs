//! Errors of starting and running the server.

use std::path::PathBuf;

use crate::http::listen::ListenError;
use crate::local::LocalError;

/// Why the server does not start, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address of the server cannot be used.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Local mode cannot start, or this build does not have it.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The generated key in `DATA_DIR`.
    #[error("Cannot read or write cookie.key in {folder}: {error}.")]
    CookieKey {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The database.
    #[error("{0}.")]
    Database(#[from] db::OpenError),
    /// An HTTP client could not be created.
    #[error("Cannot create an HTTP client: {0}.")]
    Client(String),
    /// `SMTP_URL`.
    #[error("Mails cannot be sent: {0}.")]
    Mail(#[from] backend::mail::SmtpError),
}
