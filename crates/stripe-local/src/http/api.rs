//! What stands around every API call: the key, the version, the form, and idempotency.

use axum::{
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{LARGEST_BODY, answered, base_url, failed};
use crate::{
    api,
    engine::{Cause, Work},
    failure::Failure,
    form::{self, Params},
    render::API_VERSION,
    stripe::{Stripe, is_test_key},
    world::KeptAnswer,
};

/// The longest idempotency key in characters.
const LONGEST_KEY: usize = 255;

/// What is answered, and what is kept under an idempotency key.
struct Reply {
    status: u16,
    body: Value,
    /// The request that was first answered so.
    replays: Option<String>,
}

/// `/v1/…`
pub(super) async fn handle(State(stripe): State<Stripe>, request: Request) -> Response {
    let request_id = format!(
        "req_{}",
        std::iter::repeat_with(fastrand::alphanumeric)
            .take(14)
            .collect::<String>()
    );
    let headers = request.headers().clone();
    let version = header_text(&headers, "stripe-version").map(str::to_owned);
    let key = header_text(&headers, "idempotency-key").map(str::to_owned);
    warn_of_version(version.as_deref());
    let reply = answer(&stripe, request, &headers, &request_id, key.clone()).await;
    let (mut response, replays) = match &reply {
        Ok(reply) => (answered(reply.status, &reply.body), reply.replays.clone()),
        Err(failure) => (failed(failure), None),
    };
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set("request-id", &request_id);
    set("stripe-version", version.as_deref().unwrap_or(API_VERSION));
    if let Some(key) = &key {
        set("idempotency-key", key);
    }
    if let Some(original) = replays {
        set("idempotent-replayed", "true");
        set("original-request", &original);
    }
    response
}

async fn answer(
    stripe: &Stripe,
    request: Request,
    headers: &HeaderMap,
    request_id: &str,
    key: Option<String>,
) -> Result<Reply, Failure> {
    check_key(stripe, headers)?;
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().trim_start_matches("/v1/").to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let kind = header_text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    if kind.contains("json") {
        return Err(Failure::invalid(
            "Invalid request: send the parameters as application/x-www-form-urlencoded, not as JSON.",
        ));
    }
    let body = to_bytes(request.into_body(), LARGEST_BODY)
        .await
        .map_err(|_| Failure::invalid("The request body is too large."))?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let key = key.filter(|key| method == "POST" && !key.is_empty());
    if key.as_ref().is_some_and(|key| key.chars().count() > LONGEST_KEY) {
        return Err(Failure::idempotency(
            "Idempotency keys have at most 255 characters.",
        ));
    }
    let cause = Cause {
        request: Some(request_id.to_owned()),
        idempotency_key: key.clone(),
    };
    let mut map = form::parse(&query);
    map.extend(form::parse(&body));
    let call = Call {
        fingerprint: fingerprint(&method, &path, &format!("{map:?}")),
        method,
        path,
        params: Params::of(map),
        key,
        request: request_id.to_owned(),
    };
    let kept = call.clone();
    let base_url = base_url(stripe, headers);
    let reply = stripe
        .run(base_url.clone(), cause, move |work| call.answer(work))
        .await;
    match reply {
        // A refusal undid everything else, so it is kept by itself.
        Err(failure) if failure.is_outcome() && kept.key.is_some() => {
            let body = failure.body();
            stripe
                .run(base_url, Cause::default(), move |work| {
                    kept.keep(work, failure.status, &failure.body());
                    Ok(())
                })
                .await?;
            Ok(Reply {
                status: 402,
                body,
                replays: None,
            })
        }
        other => other,
    }
}

/// A call that was read.
#[derive(Clone)]
struct Call {
    method: String,
    path: String,
    params: Params,
    key: Option<String>,
    fingerprint: String,
    request: String,
}

impl Call {
    fn kept_id(&self) -> Option<String> {
        self.key.as_ref().map(|key| format!("idempotency:{key}"))
    }

    fn answer(self, work: &mut Work<'_>) -> Result<Reply, Failure> {
        let known = self
            .kept_id()
            .and_then(|id| work.world.get::<KeptAnswer>(&id).cloned());
        if let Some(known) = known {
            if known.fingerprint != self.fingerprint {
                return Err(Failure::idempotency(
                    "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                ));
            }
            return Ok(Reply {
                status: known.status,
                body: known.body,
                replays: Some(known.request),
            });
        }
        let value = api::answer(work, &self.method, &self.path, self.params.clone())?;
        let (status, body) = match work.take_refusal() {
            Some(failure) => (failure.status, failure.body()),
            None => (200, value),
        };
        self.keep(work, status, &body);
        Ok(Reply {
            status,
            body,
            replays: None,
        })
    }

    fn keep(&self, work: &mut Work<'_>, status: u16, body: &Value) {
        if let Some(id) = self.kept_id() {
            let stored_at = work.wall();
            work.world.put(KeptAnswer {
                id,
                fingerprint: self.fingerprint.clone(),
                status,
                body: body.clone(),
                request: self.request.clone(),
                stored_at,
            });
        }
    }
}

fn fingerprint(method: &str, path: &str, params: &str) -> String {
    let hash = Sha256::digest(format!("{method} {path} {params}"));
    STANDARD.encode(hash)
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn check_key(stripe: &Stripe, headers: &HeaderMap) -> Result<(), Failure> {
    let Some(key) = key_of(headers) else {
        return Err(Failure::unauthorized(
            "You did not provide an API key. Set it in the Authorization header: `Authorization: Bearer sk_test_…`.",
        ));
    };
    if key.starts_with("sk_live_") || key.starts_with("rk_live_") {
        return Err(Failure::unauthorized(
            "This is stripe-local, a stand-in: a live key must never be sent here. Roll it on Stripe's dashboard if this was a mistake.",
        ));
    }
    let accepted = match &stripe.settings().secret_key {
        Some(expected) => key == *expected,
        None => is_test_key(&key),
    };
    if accepted {
        Ok(())
    } else {
        Err(Failure::unauthorized(
            "Invalid API Key provided: stripe-local takes test keys (sk_test_… or rk_test_…).",
        ))
    }
}

/// The key of `Authorization: Bearer`, or the user name of `Basic`, as curl's `-u` sends it.
fn key_of(headers: &HeaderMap) -> Option<String> {
    let (scheme, rest) = header_text(headers, header::AUTHORIZATION.as_str())?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    Some(
        decoded
            .split_once(':')
            .map_or(decoded.clone(), |(name, _)| name.to_owned()),
    )
}

/// Every object is rendered at one version. A client of another major may not understand it.
fn warn_of_version(version: Option<&str>) {
    let major = |version: &str| version.split_once('.').map(|(_, name)| name.to_owned());
    if let Some(asked) = version
        && major(asked) != major(API_VERSION)
    {
        tracing::warn!(
            asked,
            spoken = API_VERSION,
            "a client asks for another version of the API"
        );
    }
}
