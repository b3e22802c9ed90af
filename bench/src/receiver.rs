//! An HTTP listener that accepts every Amplitude upload. It reads no event.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{MethodRouter, post};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The path of uploads.
pub const UPLOAD_PATH: &str = "/2/httpapi";

/// The response of Amplitude; the sink reads `code`.
const ACCEPTED_RESPONSE: &str =
    r#"{"code":200,"events_ingested":1,"payload_size_bytes":1,"server_upload_time":1}"#;

/// The bodies of the uploads so far.
#[derive(Clone, Debug, Default)]
pub struct Uploads(Arc<Mutex<Vec<Bytes>>>);

impl Uploads {
    /// Removes and returns the bodies.
    pub fn take(&self) -> Vec<Bytes> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, body: Bytes) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    }
}

/// Starts the listener, which answers at once and stores nothing. It runs until `stop` is cancelled. Returns its address.
///
/// # Errors
/// When no port is free.
pub async fn start(stop: CancellationToken) -> std::io::Result<SocketAddr> {
    serve(
        post(async || ([(CONTENT_TYPE, "application/json")], ACCEPTED_RESPONSE)),
        stop,
    )
    .await
}

/// Starts a listener that reads and keeps each body, and answers after `delay`. Returns its address and the bodies.
///
/// # Errors
/// When no port is free.
pub async fn start_recording(
    delay: Duration,
    stop: CancellationToken,
) -> std::io::Result<(SocketAddr, Uploads)> {
    let uploads = Uploads::default();
    let received = uploads.clone();
    let accept = async move |body: Bytes| {
        received.add(body);
        if !delay.is_zero() {
            sleep(delay).await;
        }
        ([(CONTENT_TYPE, "application/json")], ACCEPTED_RESPONSE)
    };
    Ok((serve(post(accept), stop).await?, uploads))
}

async fn serve(accept: MethodRouter, stop: CancellationToken) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let router = Router::new().route(UPLOAD_PATH, accept);
    tokio::spawn(async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
    });
    Ok(address)
}
