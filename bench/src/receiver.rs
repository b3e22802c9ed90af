//! An HTTP listener that accepts every Amplitude upload at once. It stores nothing.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The response of Amplitude; the sink reads `code`.
const ACCEPTED_RESPONSE: &str =
    r#"{"code":200,"events_ingested":1,"payload_size_bytes":1,"server_upload_time":1}"#;

/// Starts the listener, which runs until `stop` is cancelled. Returns its address.
///
/// # Errors
/// When no port is free.
pub async fn start(stop: CancellationToken) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let router = Router::new().route(
        "/2/httpapi",
        post(async || ([(CONTENT_TYPE, "application/json")], ACCEPTED_RESPONSE)),
    );
    tokio::spawn(async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
    });
    Ok(address)
}
