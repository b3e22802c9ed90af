//! Errors of calls to Stripe.

use crate::billing::payload::PayloadError;

/// Why a call to Stripe failed.
#[derive(Debug, thiserror::Error)]
pub enum StripeCallError {
    /// No response in time, or one that is not Stripe's.
    #[error("Stripe cannot be reached: {0}")]
    Unreachable(String),
    /// The connection failed or was closed before the response.
    #[error("Stripe cannot be reached: {0}")]
    ConnectionLost(String),
    /// Stripe is busy or has an outage (API reference, "Errors": 409, 429, 5xx).
    #[error("Stripe responded with {status}: {message}")]
    Busy {
        /// HTTP status.
        status: u16,
        /// Stripe's message.
        message: String,
    },
    /// Stripe rejected the request. A retry gives the same result.
    #[error("Stripe rejected the request with {status}: {message}")]
    Rejected {
        /// HTTP status.
        status: u16,
        /// Stripe's code, for example `resource_missing`.
        code: String,
        /// Stripe's message. It may repeat sent values.
        message: String,
    },
    /// The response could not be read.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The request is invalid.
    #[error("invalid request to Stripe: {0}")]
    InvalidRequest(String),
}

impl StripeCallError {
    /// Whether the same call may succeed later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::ConnectionLost(_) | Self::Busy { .. } => true,
            Self::Rejected { .. } | Self::Payload(_) | Self::InvalidRequest(_) => false,
        }
    }

    /// Whether the object does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Rejected { code, .. } if code == "resource_missing")
    }
}
