//! One request to an ingestion endpoint: its time and sender, the fault switch that applies to it, and its response.

use std::{net::SocketAddr, time::Duration};

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{body, responses::state_error_response};
use crate::{
    collector::Collector,
    export::UploadMetadata,
    faults::{FaultAction, FaultResponse},
    ingest,
    response::{AmplitudeResponse, Endpoint, EventIds},
    store::delivery_log::DeliveryRequest,
    upload::RefusedUpload,
};

/// A request to an ingestion endpoint.
pub(super) struct IngestRequest<'a> {
    pub(super) collector: &'a Collector,
    pub(super) endpoint: Endpoint,
    received_ms: i64,
    remote_ip: String,
}

/// What a fault switch does to a request.
pub(super) enum FaultEffect {
    /// The request is processed normally.
    None,
    /// The events are stored, then this response is sent instead of the correct one.
    RespondAfterIngest(FaultResponse),
    /// The events are not stored, and this response is sent.
    Respond(Response),
}

impl<'a> IngestRequest<'a> {
    pub(super) fn new(collector: &'a Collector, endpoint: Endpoint, request: &Request) -> Self {
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

    pub(super) fn max_body_bytes(&self) -> usize {
        let limits = &self.collector.settings().limits;
        match self.endpoint {
            Endpoint::Batch => limits.batch_bytes,
            Endpoint::HttpV2 | Endpoint::Identify => limits.http_v2_bytes,
        }
    }

    pub(super) fn metadata(&self, client_upload_ms: Option<i64>) -> UploadMetadata {
        UploadMetadata {
            path: self.endpoint.path(),
            client_upload_ms,
            received_ms: self.received_ms,
            uploaded_ms: self.collector.now_ms(),
            remote_ip: self.remote_ip.clone(),
        }
    }

    /// Records the refused events and returns the error response.
    pub(super) async fn refuse(&self, refused: RefusedUpload) -> Response {
        let limits = &self.collector.settings().limits;
        let request = self.delivery_request(Some(refused.response.status));
        match ingest::record_refused(self.collector.store(), limits, &refused, request).await {
            Ok(latest) => self.collector.publish(latest),
            Err(error) => return state_error_response(&error),
        }
        amplitude_response(refused.response)
    }

    /// Applies the next fault switch, if any. `Slow` and `Hang` wait here.
    pub(super) async fn apply_fault(&self, ids: impl FnOnce() -> Vec<EventIds>) -> FaultEffect {
        match self.collector.faults().next_action() {
            None => FaultEffect::None,
            Some(FaultAction::Slow { delay_ms }) => {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                FaultEffect::None
            }
            Some(FaultAction::Respond {
                response: fault,
                after_ingest: true,
            }) => FaultEffect::RespondAfterIngest(fault),
            Some(FaultAction::Respond {
                response: fault,
                after_ingest: false,
            }) => {
                let ids = ids();
                let response = fault.to_response(self.endpoint, &ids);
                self.record_fault(&ids, Some(response.status)).await;
                FaultEffect::Respond(amplitude_response(response))
            }
            Some(FaultAction::Hang) => {
                let mut changes = self.collector.faults().subscribe();
                self.record_fault(&ids(), None).await;
                // An error means that the collector is gone, which ends the wait as well.
                let _ = changes.changed().await;
                FaultEffect::Respond(amplitude_response(AmplitudeResponse::server_error(504)))
            }
        }
    }

    fn delivery_request(&self, response_status: Option<u16>) -> DeliveryRequest {
        DeliveryRequest {
            received_ms: self.received_ms,
            path: self.endpoint.path(),
            response_status,
        }
    }

    async fn record_fault(&self, ids: &[EventIds], response_status: Option<u16>) {
        let limits = &self.collector.settings().limits;
        let request = self.delivery_request(response_status);
        if let Err(error) = ingest::record_fault(self.collector.store(), limits, ids, request).await {
            tracing::error!(%error, "a delivery with a simulated fault could not be logged");
        }
    }
}

/// The IDs of the events in a body that is not validated. Empty when it is not valid JSON.
pub(super) fn event_ids(body: &[u8]) -> Vec<EventIds> {
    let request: Value = lossy_json::from_slice(body).unwrap_or_default();
    request["events"]
        .as_array()
        .map(|events| events.iter().map(EventIds::of).collect())
        .unwrap_or_default()
}

/// The HTTP response for one of Amplitude's. Any origin may read it.
pub(super) fn amplitude_response(response: AmplitudeResponse) -> Response {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match response.body {
        None => status.into_response(),
        Some(Value::String(text)) => (status, text).into_response(),
        Some(body) => (status, axum::Json(body)).into_response(),
    };
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
