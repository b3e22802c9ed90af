//! The ingestion APIs: HTTP V2, Batch and Identify, as browsers and servers call them.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Form, RequestExt,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::Value;

use super::{body, broken};
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
    match take_events(&meeting, request).await {
        Ok(response) => response,
        Err(refusal) => meeting.refuse(refusal).await,
    }
}

async fn take_events(meeting: &Meeting<'_>, request: Request) -> Result<Response, Refusal> {
    let Meeting {
        collector, endpoint, ..
    } = *meeting;
    let settings = collector.settings();
    let headers = request.headers().clone();
    let body = body::read(request.into_body(), &headers, meeting.most_bytes()).await;
    let body = body.map_err(Refusal::request)?;
    if !body::is_json(&headers) {
        return Err(Refusal::request(Answer::invalid("Invalid JSON request body")));
    }
    let late = match meeting.strike(|| ids_of(&body)).await {
        Struck::Answered(response) => return Ok(response),
        Struck::AnswerAfter(kind) => Some(kind),
        Struck::No => None,
    };
    let upload = upload::read(&body, endpoint, settings.api_key.as_deref(), &settings.limits)?;
    let receipt = meeting.receipt(upload.client_upload_ms);
    let answer = match late {
        Some(kind) => kind.answer(endpoint, &ids_of(&body)),
        None => Answer::ingested(upload.events.len(), body.len(), receipt.uploaded_ms),
    };
    let (store, plan) = (collector.store(), collector.plan());
    match ingest::keep(store, plan, &settings.limits, &upload, &receipt, answer.status).await {
        Ok(latest) => collector.announce(latest),
        Err(error) => return Ok(broken(&error)),
    }
    Ok(render(answer))
}

#[derive(Deserialize)]
struct IdentifyForm {
    #[serde(default)]
    api_key: String,
    #[serde(default)]
    identification: String,
}

pub(super) async fn identify(State(collector): State<Collector>, request: Request) -> Response {
    let meeting = Meeting::of(&collector, Endpoint::Identify, &request);
    match take_identification(&meeting, request).await {
        Ok(response) => response,
        Err(refusal) => meeting.refuse(refusal).await,
    }
}

async fn take_identification(meeting: &Meeting<'_>, request: Request) -> Result<Response, Refusal> {
    let collector = meeting.collector;
    let settings = collector.settings();
    let headers = request.headers().clone();
    let body = body::read(request.into_body(), &headers, meeting.most_bytes()).await;
    let body = body.map_err(Refusal::request)?;
    let late = match meeting.strike(Vec::new).await {
        Struck::Answered(response) => return Ok(response),
        Struck::AnswerAfter(kind) => Some(kind),
        Struck::No => None,
    };
    let form = read_form(&headers, body).await;
    let form = form.ok_or_else(|| Refusal::request(Answer::word(400, "missing_event")))?;
    if !upload::key_accepted(settings.api_key.as_deref(), &form.api_key) {
        return Err(Refusal::request(Answer::word(400, "invalid_api_key")));
    }
    let identifications = upload::read_identification(&form.identification, &settings.limits)?;
    let receipt = meeting.receipt(None);
    let answer = match late {
        Some(kind) => kind.answer(Endpoint::Identify, &[]),
        None => Answer::word(200, "success"),
    };
    let (store, limits) = (collector.store(), &settings.limits);
    match ingest::identify(store, limits, &identifications, &receipt, answer.status).await {
        Ok(()) => Ok(render(answer)),
        Err(error) => Ok(broken(&error)),
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
        let remote_ip = body::remote_ip(peer, request.headers());
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
