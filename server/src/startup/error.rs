//! Why the server does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the server does not start, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken, or the address is not this machine's.
    #[error(
        "Cannot listen on {address}: {error}. Is another one running? LEPTOS_SITE_ADDR, STRIPE_LOCAL_ADDR and AMPLITUDE_LOCAL_ADDR choose other addresses."
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's word.
        error: std::io::Error,
    },
    /// `DATA_DIR`.
    #[error("Cannot make the folder {folder}: {error}.")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's word.
        error: std::io::Error,
    },
    /// The database.
    #[error("{0}.")]
    Database(#[from] db::OpenError),
    /// The stand-in.
    #[error("The stand-in for Amplitude does not start: {0}.")]
    Stand(#[from] amplitude_local::CollectorOpenError),
    /// The other stand-in.
    #[error("The stand-in for Stripe does not start: {0}.")]
    StripeLocal(#[from] stripe_local::StripeStandInOpenError),
    /// An HTTP client could not be made.
    #[error("Cannot make an HTTP client: {0}.")]
    Client(String),
    /// `SMTP_URL`.
    #[error("Mails cannot be sent: {0}.")]
    Mail(#[from] backend::mail::SmtpError),
    /// A task of ours.
    #[error("The server has ended: {0}.")]
    Serve(std::io::Error),
}
