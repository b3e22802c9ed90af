//! Something that answers as Amplitude does when all is well.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What Amplitude answers; the sink believes `code`.
const ACCEPTED: &str = r#"{"code":200,"events_ingested":1,"payload_size_bytes":1,"server_upload_time":1}"#;

/// Answers until `stop`.
///
/// # Errors
/// When no port is free.
pub async fn start(stop: CancellationToken) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let router = Router::new().route(
        "/2/httpapi",
        post(async || ([(CONTENT_TYPE, "application/json")], ACCEPTED)),
    );
    tokio::spawn(async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
    });
    Ok(address)
}
