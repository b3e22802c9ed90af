//! Refusals in Stripe's shape: `{"error": {"type", "code", "message", "param", …}}`.

use serde_json::{Value, json};

/// What every endpoint answers with.
pub(crate) type Answer = Result<Value, Failure>;

/// An error as Stripe words it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    kind: &'static str,
    code: Option<String>,
    message: String,
    param: Option<String>,
    decline_code: Option<String>,
}

impl Failure {
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

    /// A request that cannot be carried out as it stands.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// A parameter with a value that does not fit.
    pub(crate) fn parameter(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..Self::invalid(message)
        }
    }

    pub(crate) fn missing_parameter(param: &str) -> Self {
        Self::parameter(param, format!("Missing required param: {param}.")).with_code("parameter_missing")
    }

    pub(crate) fn unknown_parameters(params: &[String]) -> Self {
        let first = params.first().cloned().unwrap_or_default();
        let plural = if params.len() == 1 { "" } else { "s" };
        Self::parameter(
            first,
            format!("Received unknown parameter{plural}: {}", params.join(", ")),
        )
        .with_code("parameter_unknown")
    }

    /// No object has this ID. `param` is `id` when it came in the path.
    pub(crate) fn missing(what: &str, id: &str, param: &str) -> Self {
        Self {
            status: if param == "id" { 404 } else { 400 },
            ..Self::parameter(param, format!("No such {what}: '{id}'")).with_code("resource_missing")
        }
    }

    pub(crate) fn unknown_route(method: &str, path: &str) -> Self {
        Self::new(
            404,
            "invalid_request_error",
            format!(
                "Unrecognized request URL ({method}: {path}). stripe-local does not answer here; see its README for what it does."
            ),
        )
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "invalid_request_error", message)
    }

    pub(crate) fn idempotency(message: impl Into<String>) -> Self {
        Self::new(400, "idempotency_error", message)
    }

    /// A card said no.
    pub(crate) fn card(code: &str, decline_code: Option<&str>, message: &str) -> Self {
        Self {
            decline_code: decline_code.map(str::to_owned),
            ..Self::new(402, "card_error", message).with_code(code)
        }
    }

    /// The stand-in itself failed. The reason goes to the log at the place where it is known.
    pub(crate) fn broken() -> Self {
        Self::new(
            500,
            "api_error",
            "stripe-local cannot use its state; see its log.",
        )
    }

    pub(crate) fn with_code(self, code: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            ..self
        }
    }

    /// Whether the card's owner is to be asked.
    pub(crate) fn asks_for_confirmation(&self) -> bool {
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

    /// Whether Stripe would keep this answer under an idempotency key: it does once an operation ran.
    pub(crate) fn is_outcome(&self) -> bool {
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
