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

impl StartError {
    /// The error with its causes: the outermost one alone does not say that, for example, no root certificates are
    /// installed.
    pub(super) fn client(error: impl std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let part = error.to_string();
            if !text.contains(&part) {
                text = format!("{text}: {part}");
            }
            cause = error.source();
        }
        Self::Client(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("builder error")]
    struct BuilderError(#[source] std::io::Error);

    #[test]
    fn the_causes_of_a_client_error_are_shown_once() {
        let error = BuilderError(std::io::Error::other("no root certificates"));
        let error = StartError::client(error).to_string();
        assert_eq!(
            error,
            "Cannot create an HTTP client: builder error: no root certificates."
        );
    }
}
