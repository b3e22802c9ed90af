//! What can go wrong with a call, and whether it may go better later.

use stripe::StripeError;

use crate::billing::payload::Unreadable;

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum StripeFault {
    /// No answer, or one that is nobody's: the network, a timeout, a proxy.
    #[error("Stripe cannot be reached: {0}")]
    Unreachable(String),
    /// Stripe is busy, or in trouble (API reference, "Errors": 409, 429, 5xx).
    #[error("Stripe answered {status}: {message}")]
    Busy {
        /// HTTP status.
        status: u16,
        /// Stripe's words.
        message: String,
    },
    /// Stripe says no, and will say so again.
    #[error("Stripe refused with {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stripe's code, as `resource_missing`.
        code: String,
        /// Stripe's words. They may repeat what was sent.
        message: String,
    },
    /// An answer has another shape than we know.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// We asked for something that cannot be asked.
    #[error("a call to Stripe could not be made: {0}")]
    Misuse(String),
}

impl StripeFault {
    /// Whether the same call may succeed later.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Busy { .. } => true,
            Self::Refused { .. } | Self::Unreadable(_) | Self::Misuse(_) => false,
        }
    }

    /// Whether Stripe knows no such object.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "resource_missing")
    }
}

impl From<StripeError> for StripeFault {
    fn from(error: StripeError) -> Self {
        match error {
            StripeError::Stripe(error, status) => {
                let message = error.message.unwrap_or_default();
                match status {
                    409 | 424 | 429 | 500.. => Self::Busy { status, message },
                    _ => Self::Refused {
                        status,
                        code: error.code.map(|code| code.to_string()).unwrap_or_default(),
                        message,
                    },
                }
            }
            // An answer that is not Stripe's: a proxy's page, a body that broke off.
            StripeError::JSONDeserialize(message) | StripeError::ClientError(message) => {
                Self::Unreachable(message)
            }
            StripeError::Timeout => Self::Unreachable("no answer in time".to_owned()),
            StripeError::ConfigError(message) => Self::Misuse(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, error: &str) -> StripeFault {
        let error = format!(r#"{{"type":"invalid_request_error","message":"m"{error}}}"#);
        let error = miniserde::json::from_str(&error).unwrap();
        StripeError::Stripe(Box::new(error), status).into()
    }

    #[test]
    fn what_may_go_better_later() {
        let rows = [
            (StripeError::Timeout.into(), true),
            (StripeError::ClientError("refused".into()).into(), true),
            (StripeError::JSONDeserialize("<html>".into()).into(), true),
            (answered(409, ""), true),
            (answered(429, ""), true),
            (answered(500, ""), true),
            (answered(503, ""), true),
            (answered(400, ""), false),
            (answered(401, ""), false),
            (answered(402, ""), false),
            (answered(404, r#","code":"resource_missing""#), false),
            (StripeError::ConfigError("url".into()).into(), false),
            (
                Unreadable {
                    object: "subscription",
                    field: "status",
                }
                .into(),
                false,
            ),
        ];
        for (fault, passing) in rows {
            let fault: StripeFault = fault;
            assert_eq!(fault.is_passing(), passing, "{fault}");
        }
    }

    #[test]
    fn a_missing_object_is_told_from_other_refusals() {
        assert!(answered(404, r#","code":"resource_missing""#).is_missing());
        assert!(!answered(400, r#","code":"parameter_unknown""#).is_missing());
        assert!(!answered(404, "").is_missing());
    }
}
