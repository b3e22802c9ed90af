//! Accepts connections and serves the router on them. `axum::serve` has no timeouts, so this module uses hyper.
//!
//! A connection ends when its client sends no complete request head in time, or does not read what the server writes.
//! Connections beyond the limits get one response that says so. Requests are limited elsewhere.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use axum::{Extension, Router};
use backend::NetworkKey;
use backend::config::{ConnectionLimits, TrustedProxies};
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::{Layer, ServiceExt};

use super::slots::refusal;
use crate::startup::timing::HttpTiming;
use backend::slots::{LimitReached, Slot, Slots};

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// The most bytes of a request's head, and of a response that is written at once. A browser's head has some KB.
const BUFFER_MAX: usize = 64 * 1024;

/// Files that are no clients' connections: the database, calls to Amplitude and Stripe, assets.
const OTHER_FILES: usize = 256;

/// How long a client may take from its connection to the first byte of its request when the server stops. hyper closes
/// connections without one at once, and a proxy cannot repeat a form that it has begun to send.
const FIRST_BYTE: Duration = Duration::from_millis(250);

/// How many connections get a response that refuses them at the same time. More are closed without one.
const REFUSALS: usize = 64;

/// Accepts connections within limits.
pub struct Connections {
    router: Router,
    slots: Slots,
    refusals: Arc<Semaphore>,
    proxies: TrustedProxies,
    timing: HttpTiming,
    draining: CancellationToken,
}

impl Connections {
    /// From `draining` on each response ends its connection, so that a proxy has no idle ones when the server closes them.
    pub fn new(
        router: Router,
        limits: ConnectionLimits,
        proxies: TrustedProxies,
        timing: HttpTiming,
        draining: CancellationToken,
    ) -> Self {
        Self {
            router,
            slots: Slots::new(limits.connections, limits.connections_per_address),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
            proxies,
            timing,
            draining,
        }
    }

    /// Serves until `stop`; then it accepts no more, and returns when all open requests are answered.
    pub async fn serve(self, mut listener: TcpListener, stop: CancellationToken) {
        let graceful = GracefulShutdown::new();
        // `Listener::accept` waits and tries again after an error.
        while let Some((stream, peer)) = stop.run_until_cancelled(Listener::accept(&mut listener)).await {
            self.spawn(stream, peer, graceful.watcher());
        }
        for (stream, peer) in waiting(listener) {
            self.spawn(stream, peer, graceful.watcher());
        }
        tokio::time::sleep(FIRST_BYTE).await;
        graceful.shutdown().await;
    }

    fn spawn(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        // A proxy's connections are those of many clients.
        let is_proxy = self.proxies.contains(peer.ip());
        let network = (!is_proxy).then(|| NetworkKey::of(peer.ip()));
        let idle = match is_proxy {
            true => self.timing.proxy_idle,
            false => self.timing.head,
        };
        let stream = with_write_timeout(stream, self.timing.write);
        match self.slots.take(network) {
            Ok(slot) => {
                let (router, draining) = (self.router.clone(), self.draining.clone());
                tokio::spawn(answer(router, stream, peer, idle, slot, watcher, draining));
            }
            Err(limit) => {
                tracing::warn!(?limit, "a connection is refused");
                if let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() {
                    tokio::spawn(refuse(stream, limit, self.timing.head, permit));
                }
            }
        }
    }
}

/// The connections that wait to be accepted. The listener, which would reset them, is closed after the last one.
fn waiting(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std();
    std::iter::from_fn(move || {
        let (stream, peer) = listener.as_ref().ok()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
}

type Stream = TokioIo<Pin<Box<TimeoutStream<TcpStream>>>>;

/// A stream that fails when the client reads nothing for so long.
fn with_write_timeout(stream: TcpStream, timeout: Duration) -> Stream {
    // Small messages of feeds must not wait for an acknowledgement. An error means that the client is gone.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(timeout));
    TokioIo::new(Box::pin(stream))
}

/// Answers the requests of a connection. `idle`: how long a request's head may take, from the end of the request before.
async fn answer(
    router: Router,
    stream: Stream,
    peer: SocketAddr,
    idle: Duration,
    _slot: Slot,
    watcher: Watcher,
    draining: CancellationToken,
) {
    let router = Extension(ConnectInfo(peer)).layer(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let (response, draining) = (router.clone().oneshot(request.map(Body::new)), draining.clone());
        async move {
            let mut response = response.await?;
            if draining.is_cancelled() {
                response.headers_mut().insert(CONNECTION, CLOSE);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_buf_size(BUFFER_MAX)
        .serve_connection(stream, service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection has failed");
    }
}

/// Answers one request with the limit that is reached, and closes the connection.
async fn refuse(stream: Stream, limit: LimitReached, head: Duration, _permit: OwnedSemaphorePermit) {
    let service =
        service_fn(move |_: Request<Incoming>| std::future::ready(Ok::<_, Infallible>(refusal(limit))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .keep_alive(false)
        .serve_connection(stream, service);
    let _ = connection.await;
}

/// The limits that this process's open files allow, after raising the soft limit to the hard one.
pub fn within_open_files(limits: ConnectionLimits) -> ConnectionLimits {
    let files = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => usize::try_from(files).unwrap_or(usize::MAX),
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit of open files");
            return limits;
        }
    };
    let most = files.saturating_sub(OTHER_FILES).max(1);
    if limits.connections > most {
        tracing::warn!(
            files,
            most,
            "the limit of open files allows fewer connections than MAX_CONNECTIONS"
        );
    }
    ConnectionLimits {
        connections: limits.connections.min(most),
        ..limits
    }
}
