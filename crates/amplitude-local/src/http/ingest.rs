//! The ingestion APIs: HTTP V2, Batch and Identify, as browsers and servers call them.

use std::{
    io::Read,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    Form, RequestExt,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::Value;

use super::broken;
use crate::{
    answer::{Answer, Endpoint, EventIds},
    collector::Collector,
    event::Receipt,
    faults::{Kind, Strike},
    ingest,
    store::log::Arrival,
    upload::{self, Refusal},
};

pub(super) async fn http_v2(State(collector): State<Collector>, request: Request) -> Response {
    upload(&collector, Endpoint::HttpV2, request).await
}

pub(super) async fn batch(State(collector): State<Collector>, request: Request) -> Response {
    upload(&collector, Endpoint::Batch, request).await
}

/// Browsers ask before they post JSON across origins; Amplitude lets any origin post.
pub(super) async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::OK, headers).into_response()
}

/// Identify API, "Status codes": a GET meets the limits of URLs; the page itself says to post.
pub(super) async fn identify_by_get() -> Response {
    let sentence = "send api_key and identification by POST, as application/x-www-form-urlencoded";
    (
        StatusCode::METHOD_NOT_ALLOWED,
        [(header::ALLOW, "POST, OPTIONS")],
        sentence,
    )
        .into_response()
}

async fn upload(collector: &Collector, endpoint: Endpoint, request: Request) -> Response {
    let meeting = Meeting::of(collector, endpoint, &request);
    let headers = request.headers().clone();
    let body = match read_body(request.into_body(), &headers, meeting.most_bytes()).await {
        Ok(body) => body,
        Err(answer) => return meeting.refuse(Refusal::request(answer)).await,
    };
    if !is_json(&headers) {
        return meeting
            .refuse(Refusal::request(Answer::invalid("Invalid JSON request body")))
            .await;
    }
    let late = match meeting.strike(|| ids_of(&body)).await {
        Struck::Answered(response) => return response,
        Struck::AnswerAfter(kind) => Some(kind),
        Struck::No => None,
    };
    let settings = collector.settings();
    let read = upload::read(&body, endpoint, settings.api_key.as_deref(), &settings.limits);
    let upload = match read {
        Ok(upload) => upload,
        Err(refusal) => return meeting.refuse(refusal).await,
    };
    let receipt = meeting.receipt(upload.client_upload_ms);
    let answer = match late {
        Some(kind) => kind.answer(endpoint, &ids_of(&body)),
        None => Answer::ingested(upload.events.len(), body.len(), receipt.uploaded_ms),
    };
    let (store, limits) = (collector.store(), &settings.limits);
    match ingest::keep(store, collector.plan(), limits, &upload, &receipt, answer.status).await {
        Ok(latest) => collector.announce(latest),
        Err(error) => return broken(&error),
    }
    render(answer)
}

#[derive(Deserialize)]
struct IdentifyForm {
    api_key: Option<String>,
    identification: Option<String>,
}

pub(super) async fn identify(State(collector): State<Collector>, request: Request) -> Response {
    let meeting = Meeting::of(&collector, Endpoint::Identify, &request);
    let headers = request.headers().clone();
    let body = match read_body(request.into_body(), &headers, meeting.most_bytes()).await {
        Ok(body) => body,
        Err(answer) => return meeting.refuse(Refusal::request(answer)).await,
    };
    if let Struck::Answered(response) = meeting.strike(Vec::new).await {
        return response;
    }
    let settings = collector.settings();
    let form = match read_form(&headers, body).await {
        Some(form) => form,
        None => {
            return meeting
                .refuse(Refusal::request(Answer::word(400, "missing_event")))
                .await;
        }
    };
    let key = form.api_key.unwrap_or_default();
    if !upload::key_accepted(settings.api_key.as_deref(), &key) {
        return meeting
            .refuse(Refusal::request(Answer::word(400, "invalid_api_key")))
            .await;
    }
    let identification = form.identification.unwrap_or_default();
    let identifications = match upload::read_identification(&identification, &settings.limits) {
        Ok(identifications) => identifications,
        Err(refusal) => return meeting.refuse(refusal).await,
    };
    let receipt = meeting.receipt(None);
    match ingest::identify(collector.store(), &settings.limits, &identifications, &receipt).await {
        Ok(()) => render(Answer::word(200, "success")),
        Err(error) => broken(&error),
    }
}

/// One request at one of the ingestion endpoints.
struct Meeting<'a> {
    collector: &'a Collector,
    endpoint: Endpoint,
    received_ms: i64,
    remote_ip: String,
}

enum Struck {
    No,
    /// Take the events, then answer this.
    AnswerAfter(Kind),
    Answered(Response),
}

impl<'a> Meeting<'a> {
    fn of(collector: &'a Collector, endpoint: Endpoint, request: &Request) -> Self {
        let peer = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|peer| peer.0.ip());
        let remote_ip = remote_ip(peer, request.headers());
        Self {
            collector,
            endpoint,
            received_ms: collector.now_ms(),
            remote_ip,
        }
    }

    fn most_bytes(&self) -> usize {
        let limits = &self.collector.settings().limits;
        match self.endpoint {
            Endpoint::Batch => limits.batch_bytes,
            Endpoint::HttpV2 | Endpoint::Identify => limits.http_v2_bytes,
        }
    }

    fn arrival(&self, answered: Option<u16>) -> Arrival {
        Arrival {
            received_ms: self.received_ms,
            path: self.endpoint.path(),
            answered,
        }
    }

    fn receipt(&self, client_upload_ms: Option<i64>) -> Receipt {
        Receipt {
            path: self.endpoint.path(),
            client_upload_ms,
            received_ms: self.received_ms,
            uploaded_ms: self.collector.now_ms(),
            remote_ip: self.remote_ip.clone(),
        }
    }

    async fn refuse(&self, refusal: Refusal) -> Response {
        let limits = &self.collector.settings().limits;
        let arrival = self.arrival(Some(refusal.answer.status));
        match ingest::note_refusal(self.collector.store(), limits, &refusal, arrival).await {
            Ok(latest) => self.collector.announce(latest),
            Err(error) => return broken(&error),
        }
        render(refusal.answer)
    }

    /// Lets a fault switch act on the request, if one is on.
    async fn strike(&self, ids: impl FnOnce() -> Vec<EventIds>) -> Struck {
        match self.collector.faults().next() {
            None => Struck::No,
            Some(Strike::Slow(ms)) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Struck::No
            }
            Some(Strike::Answer {
                kind,
                after_ingest: true,
            }) => Struck::AnswerAfter(kind),
            Some(Strike::Answer {
                kind,
                after_ingest: false,
            }) => {
                let ids = ids();
                let answer = kind.answer(self.endpoint, &ids);
                self.note_fault(&ids, Some(answer.status)).await;
                Struck::Answered(render(answer))
            }
            Some(Strike::Hang) => {
                let mut changes = self.collector.faults().changes();
                self.note_fault(&ids(), None).await;
                // The sender lives as long as the collector; either way the hanging is over.
                let _ = changes.changed().await;
                Struck::Answered(render(Answer::server_error(504)))
            }
        }
    }

    async fn note_fault(&self, ids: &[EventIds], answered: Option<u16>) {
        let limits = &self.collector.settings().limits;
        let noted = ingest::note_fault(self.collector.store(), limits, ids, self.arrival(answered)).await;
        if let Err(error) = noted {
            tracing::error!(%error, "a delivery that met a fault switch could not be logged");
        }
    }
}

/// The address of the visitor: a proxy on this machine is believed when it names one.
fn remote_ip(peer: Option<IpAddr>, headers: &HeaderMap) -> String {
    let peer = peer.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let forwarded = headers
        .get("x-forwarded-for")
        .and_then(|list| list.to_str().ok())
        .and_then(|list| list.split(',').next())
        .and_then(|first| first.trim().parse::<IpAddr>().ok());
    forwarded
        .filter(|_| peer.is_loopback())
        .unwrap_or(peer)
        .to_string()
}

/// Browsers label beacons as text; HTTP V2 asks for JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let kind = content_type
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    ["application/json", "text/plain"]
        .iter()
        .any(|accepted| accepted.eq_ignore_ascii_case(kind))
}

/// Reads at most `most` bytes, before and after decompression.
async fn read_body(body: Body, headers: &HeaderMap, most: usize) -> Result<Bytes, Answer> {
    let body = to_bytes(body, most).await.map_err(|_| Answer::too_large())?;
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(body),
        Some(b"gzip") => gunzip(&body, most),
        Some(_) => Err(Answer::invalid("Invalid JSON request body")),
    }
}

fn gunzip(body: &[u8], most: usize) -> Result<Bytes, Answer> {
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(body)
        .take(most as u64 + 1)
        .read_to_end(&mut plain);
    match read {
        Ok(bytes) if bytes > most => Err(Answer::too_large()),
        Ok(_) => Ok(plain.into()),
        Err(_) => Err(Answer::invalid("Invalid JSON request body")),
    }
}

async fn read_form(headers: &HeaderMap, body: Bytes) -> Option<IdentifyForm> {
    let mut request = Request::post("/identify").body(Body::from(body)).ok()?;
    request
        .headers_mut()
        .insert(header::CONTENT_TYPE, headers.get(header::CONTENT_TYPE)?.clone());
    let Form(form) = request.extract::<Form<IdentifyForm>, _>().await.ok()?;
    Some(form)
}

/// The IDs of a body that is not going to be read in earnest.
fn ids_of(body: &[u8]) -> Vec<EventIds> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    request["events"]
        .as_array()
        .map(|events| events.iter().map(EventIds::of).collect())
        .unwrap_or_default()
}

fn render(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match answer.body {
        None => status.into_response(),
        Some(Value::String(word)) => (status, word).into_response(),
        Some(body) => (status, axum::Json(body)).into_response(),
    };
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_visitors_address() {
        let headers = |list: &'static str| {
            HeaderMap::from_iter([(
                header::HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_static(list),
            )])
        };
        let loopback = Some(IpAddr::from([127, 0, 0, 1]));
        assert_eq!(remote_ip(loopback, &HeaderMap::new()), "127.0.0.1");
        assert_eq!(
            remote_ip(loopback, &headers("203.0.113.7, 10.0.0.1")),
            "203.0.113.7"
        );
        assert_eq!(remote_ip(loopback, &headers("2001:db8::1")), "2001:db8::1");
        assert_eq!(remote_ip(loopback, &headers("unknown")), "127.0.0.1");
        assert_eq!(
            remote_ip(Some(IpAddr::from([192, 0, 2, 1])), &headers("203.0.113.7")),
            "192.0.2.1"
        );
        assert_eq!(remote_ip(None, &HeaderMap::new()), "127.0.0.1");
    }

    #[test]
    fn content_types() {
        let labelled = |kind: &'static str| {
            is_json(&HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                HeaderValue::from_static(kind),
            )]))
        };
        assert!(is_json(&HeaderMap::new()));
        assert!(labelled("application/json"));
        assert!(labelled("Application/JSON; charset=utf-8"));
        assert!(labelled("text/plain;charset=UTF-8"));
        assert!(!labelled("application/x-www-form-urlencoded"));
    }
}
