//! Errors of calls to Stripe.

use stripe::StripeError;

use crate::billing::payload::PayloadError;

/// Why a call to Stripe failed.
#[derive(Debug, thiserror::Error)]
pub enum StripeCallError {
    /// No response, or one that is not Stripe's: network, timeout, proxy.
    #[error("Stripe cannot be reached: {0}")]
    Unreachable(String),
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
            Self::Unreachable(_) | Self::Busy { .. } => true,
            Self::Rejected { .. } | Self::Payload(_) | Self::InvalidRequest(_) => false,
        }
    }

    /// Whether the object does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Rejected { code, .. } if code == "resource_missing")
    }
}

impl From<StripeError> for StripeCallError {
    fn from(error: StripeError) -> Self {
        match error {
            StripeError::Stripe(error, status) => {
                let message = error.message.unwrap_or_default();
                match status {
                    409 | 424 | 429 | 500.. => Self::Busy { status, message },
                    _ => Self::Rejected {
                        status,
                        code: error.code.map(|code| code.to_string()).unwrap_or_default(),
                        message,
                    },
                }
            }
            // The response is not Stripe's: a proxy's page, or a truncated body.
            StripeError::JSONDeserialize(message) | StripeError::ClientError(message) => {
                Self::Unreachable(message)
            }
            StripeError::Timeout => Self::Unreachable("timeout".to_owned()),
            StripeError::ConfigError(message) => Self::InvalidRequest(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, error: &str) -> StripeCallError {
        let error = format!(r#"{{"type":"invalid_request_error","message":"m"{error}}}"#);
        let error = miniserde::json::from_str(&error).unwrap();
        StripeError::Stripe(Box::new(error), status).into()
    }

    #[test]
    fn transient_errors() {
        let rows = [
            (StripeError::Timeout.into(), true),
            (StripeError::ClientError("refused".into()).into(), true),
            (StripeError::JSONDeserialize("<html>".into()).into(), true),
            (response(409, ""), true),
            (response(429, ""), true),
            (response(500, ""), true),
            (response(503, ""), true),
            (response(400, ""), false),
            (response(401, ""), false),
            (response(402, ""), false),
            (response(404, r#","code":"resource_missing""#), false),
            (StripeError::ConfigError("url".into()).into(), false),
            (
                PayloadError {
                    object: "subscription",
                    field: "status",
                }
                .into(),
                false,
            ),
        ];
        for (error, transient) in rows {
            let error: StripeCallError = error;
            assert_eq!(error.is_transient(), transient, "{error}");
        }
    }

    #[test]
    fn a_missing_object_is_distinguished_from_other_errors() {
        assert!(response(404, r#","code":"resource_missing""#).is_missing());
        assert!(!response(400, r#","code":"parameter_unknown""#).is_missing());
        assert!(!response(404, "").is_missing());
    }
}
