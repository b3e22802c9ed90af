//! The ingestion APIs: HTTP V2, Batch and Identify.

use axum::{
    Form, RequestExt,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    body,
    ingest_request::{FaultEffect, IngestRequest, amplitude_response, event_ids},
    responses::state_error_response,
};
use crate::{
    collector::Collector,
    ingest,
    response::{AmplitudeResponse, Endpoint},
    upload::{self, RefusedUpload},
};

pub(super) async fn http_v2(State(collector): State<Collector>, request: Request) -> Response {
    upload(&collector, Endpoint::HttpV2, request).await
}

pub(super) async fn batch(State(collector): State<Collector>, request: Request) -> Response {
    upload(&collector, Endpoint::Batch, request).await
}

/// CORS preflight: Amplitude accepts uploads from any origin.
pub(super) async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::OK, headers).into_response()
}

/// `GET /identify` is not supported: the Identify API page recommends POST, because URLs are limited in length.
pub(super) async fn identify_by_get() -> Response {
    let message = "send api_key and identification by POST, as application/x-www-form-urlencoded";
    (
        StatusCode::METHOD_NOT_ALLOWED,
        [(header::ALLOW, "POST, OPTIONS")],
        message,
    )
        .into_response()
}

/// Uploads of SDKs older than HTTP V2, which are forms.
pub(super) async fn older_sdk() -> Response {
    amplitude_response(AmplitudeResponse::text(
        400,
        "amplitude-local has no API older than HTTP V2: use an SDK that posts JSON to /2/httpapi or /batch",
    ))
}

/// `POST /groupidentify`
pub(super) async fn group_identify() -> Response {
    amplitude_response(AmplitudeResponse::text(
        400,
        "amplitude-local has no Group Identify API",
    ))
}

async fn upload(collector: &Collector, endpoint: Endpoint, request: Request) -> Response {
    let ingest_request = IngestRequest::new(collector, endpoint, &request);
    match accept_events(&ingest_request, request).await {
        Ok(response) => response,
        Err(refused) => ingest_request.refuse(refused).await,
    }
}

async fn accept_events(
    ingest_request: &IngestRequest<'_>,
    request: Request,
) -> Result<Response, RefusedUpload> {
    let IngestRequest {
        collector, endpoint, ..
    } = *ingest_request;
    let settings = collector.settings();
    let headers = request.headers().clone();
    let body = body::read(request.into_body(), &headers, ingest_request.max_body_bytes()).await;
    let body = body.map_err(RefusedUpload::whole_request)?;
    if !body::is_json(&headers) {
        return Err(RefusedUpload::whole_request(AmplitudeResponse::invalid(
            "Invalid JSON request body",
        )));
    }
    let fault = match ingest_request.apply_fault(|| event_ids(&body)).await {
        FaultEffect::Respond(response) => return Ok(response),
        FaultEffect::RespondAfterIngest(fault) => Some(fault),
        FaultEffect::None => None,
    };
    let upload = upload::read(&body, endpoint, settings.api_key.as_deref(), &settings.limits)?;
    let metadata = ingest_request.metadata(upload.client_upload_ms);
    let response = match fault {
        Some(fault) => fault.to_response(endpoint, &event_ids(&body)),
        None => AmplitudeResponse::ingested(upload.events.len(), body.len(), metadata.uploaded_ms),
    };
    let (store, plan) = (collector.store(), collector.plan());
    match ingest::store_upload(store, plan, &settings.limits, &upload, &metadata, response.status).await {
        Ok(latest) => collector.publish(latest),
        Err(error) => return Ok(state_error_response(&error)),
    }
    Ok(amplitude_response(response))
}

#[derive(Deserialize)]
struct IdentifyForm {
    #[serde(default)]
    api_key: String,
    #[serde(default)]
    identification: String,
}

pub(super) async fn identify(State(collector): State<Collector>, request: Request) -> Response {
    let ingest_request = IngestRequest::new(&collector, Endpoint::Identify, &request);
    match accept_identification(&ingest_request, request).await {
        Ok(response) => response,
        Err(refused) => ingest_request.refuse(refused).await,
    }
}

async fn accept_identification(
    ingest_request: &IngestRequest<'_>,
    request: Request,
) -> Result<Response, RefusedUpload> {
    let collector = ingest_request.collector;
    let settings = collector.settings();
    let headers = request.headers().clone();
    let body = body::read(request.into_body(), &headers, ingest_request.max_body_bytes()).await;
    let body = body.map_err(RefusedUpload::whole_request)?;
    let fault = match ingest_request.apply_fault(Vec::new).await {
        FaultEffect::Respond(response) => return Ok(response),
        FaultEffect::RespondAfterIngest(fault) => Some(fault),
        FaultEffect::None => None,
    };
    let form = read_form(&headers, body).await;
    let form =
        form.ok_or_else(|| RefusedUpload::whole_request(AmplitudeResponse::text(400, "missing_event")))?;
    if !upload::is_accepted_key(settings.api_key.as_deref(), &form.api_key) {
        return Err(RefusedUpload::whole_request(AmplitudeResponse::text(
            400,
            "invalid_api_key",
        )));
    }
    let identifications = upload::read_identification(&form.identification, &settings.limits)?;
    let metadata = ingest_request.metadata(None);
    let response = match fault {
        Some(fault) => fault.to_response(Endpoint::Identify, &[]),
        None => AmplitudeResponse::text(200, "success"),
    };
    let (store, limits) = (collector.store(), &settings.limits);
    match ingest::store_identifications(store, limits, &identifications, &metadata, response.status).await {
        Ok(()) => Ok(amplitude_response(response)),
        Err(error) => Ok(state_error_response(&error)),
    }
}

async fn read_form(headers: &HeaderMap, body: Bytes) -> Option<IdentifyForm> {
    let content_type: HeaderValue = headers.get(header::CONTENT_TYPE)?.clone();
    let mut request = Request::post("/identify").body(Body::from(body)).ok()?;
    request.headers_mut().insert(header::CONTENT_TYPE, content_type);
    let Form(form) = request.extract::<Form<IdentifyForm>, _>().await.ok()?;
    Some(form)
}
