//! API errors in Stripe's format: `{"error": {"type", "code", "message", "param", …}}`.

use serde_json::{Value, json};

/// The result of an endpoint.
pub(crate) type ApiResult = Result<Value, ApiError>;

/// An error with the attributes of Stripe's error object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    kind: &'static str,
    code: Option<String>,
    message: String,
    param: Option<String>,
    decline_code: Option<String>,
}

impl ApiError {
    fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code: None,
            message: message.into(),
            param: None,
            decline_code: None,
        }
    }

    /// A request that is not valid in the current state.
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// A parameter with an invalid value.
    pub(crate) fn invalid_parameter(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..Self::invalid_request(message)
        }
    }

    pub(crate) fn missing_parameter(param: &str) -> Self {
        Self::invalid_parameter(param, format!("Missing required param: {param}."))
            .with_code("parameter_missing")
    }

    pub(crate) fn unknown_parameters(params: &[String]) -> Self {
        let first = params.first().cloned().unwrap_or_default();
        let plural = if params.len() == 1 { "" } else { "s" };
        Self::invalid_parameter(
            first,
            format!("Received unknown parameter{plural}: {}", params.join(", ")),
        )
        .with_code("parameter_unknown")
    }

    /// No object has this ID. The status is 404 if `param` is `id`, that is, if the ID is in the path, and else 400.
    pub(crate) fn no_such_object(object_type: &str, id: &str, param: &str) -> Self {
        Self {
            status: if param == "id" { 404 } else { 400 },
            ..Self::invalid_parameter(param, format!("No such {object_type}: '{id}'"))
                .with_code("resource_missing")
        }
    }

    pub(crate) fn unknown_route(method: &str, path: &str) -> Self {
        Self::new(
            404,
            "invalid_request_error",
            format!(
                "Unrecognized request URL ({method}: {path}). stripe-local does not have this endpoint; see its README."
            ),
        )
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "invalid_request_error", message)
    }

    pub(crate) fn idempotency_mismatch(message: impl Into<String>) -> Self {
        Self::new(400, "idempotency_error", message)
    }

    /// A declined card.
    pub(crate) fn card_declined(code: &str, decline_code: Option<&str>, message: &str) -> Self {
        Self {
            decline_code: decline_code.map(str::to_owned),
            ..Self::new(402, "card_error", message).with_code(code)
        }
    }

    /// The stand-in itself failed. The caller logs the reason.
    pub(crate) fn internal() -> Self {
        Self::new(
            500,
            "api_error",
            "stripe-local cannot use its state file; see its log.",
        )
    }

    pub(crate) fn with_code(self, code: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            ..self
        }
    }

    /// Whether the cardholder must confirm the payment.
    pub(crate) fn needs_confirmation(&self) -> bool {
        self.code.as_deref() == Some("authentication_required") && self.decline_code.is_none()
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    pub(crate) fn param(&self) -> Option<&str> {
        self.param.as_deref()
    }

    /// Whether Stripe stores this response for an idempotency key. It does so once the operation was executed.
    pub(crate) fn is_replayable(&self) -> bool {
        self.status == 402
    }

    pub(crate) fn body(&self) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        for (key, value) in [
            ("code", &self.code),
            ("param", &self.param),
            ("decline_code", &self.decline_code),
        ] {
            if let Some(value) = value {
                error[key] = json!(value);
            }
        }
        json!({"error": error})
    }
}
