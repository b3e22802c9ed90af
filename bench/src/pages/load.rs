//! The load: connections that request one document again and again. It follows no redirect and reads no page.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::PagesError;
use crate::resources::{cpu_secs, resident_kib};

/// Interval between two samples of memory.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(200);
/// Limit for one response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// A request for a document.
pub(super) type DocumentRequest = Request<Empty<Bytes>>;

/// How many connections, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct LoadSettings {
    /// Connections, each with one request at a time.
    pub connections: u16,
    /// Load before the measurement.
    pub warm_up: Duration,
    /// Duration of the measurement.
    pub duration: Duration,
}

/// What one page did under load.
#[derive(Clone, Debug)]
pub struct PageLoad {
    /// The path of the page.
    pub path: &'static str,
    /// µs of each response that ended within the measurement.
    pub latencies_us: Vec<f64>,
    /// Duration of the measurement in s.
    pub secs: f64,
    /// Bytes of one body, as it was sent.
    pub body_bytes: usize,
    /// CPU time of the server's process in s; 0 where the system does not show it.
    pub server_cpu_secs: f64,
    /// CPU time of this process in s.
    pub client_cpu_secs: f64,
    /// The server's largest resident memory in KiB.
    pub resident_kib: Option<u64>,
}

/// Loads a page. `server` is the server's process. The client has one thread: it leaves the rest of the machine to the
/// server. Fails unless each response is 200.
pub(super) async fn load(
    path: &'static str,
    address: SocketAddr,
    request: DocumentRequest,
    server: Option<u32>,
    settings: LoadSettings,
) -> Result<PageLoad, PagesError> {
    let client = move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(measure(path, address, request, server, settings))
    };
    tokio::task::spawn_blocking(client)
        .await
        .map_err(std::io::Error::other)?
}

async fn measure(
    path: &'static str,
    address: SocketAddr,
    request: DocumentRequest,
    server: Option<u32>,
    settings: LoadSettings,
) -> Result<PageLoad, PagesError> {
    let from = Instant::now() + settings.warm_up;
    let until = from + settings.duration;
    let mut connections = JoinSet::new();
    for _ in 0..settings.connections {
        connections.spawn(repeat(path, address, request.clone(), from, until));
    }
    let cpu = || (server.map_or(0.0, cpu_secs), cpu_secs(std::process::id()));
    sleep(settings.warm_up).await;
    let before = cpu();
    let mut max_kib = None;
    while Instant::now() < until {
        sleep(SAMPLE_INTERVAL.min(until - Instant::now())).await;
        max_kib = max_kib.max(server.and_then(resident_kib));
    }
    let after = cpu();
    let mut page = PageLoad {
        path,
        latencies_us: Vec::new(),
        secs: settings.duration.as_secs_f64(),
        body_bytes: 0,
        server_cpu_secs: after.0 - before.0,
        client_cpu_secs: after.1 - before.1,
        resident_kib: max_kib,
    };
    while let Some(ended) = connections.join_next().await {
        let (latencies_us, body_bytes) = ended.map_err(std::io::Error::other)??;
        page.latencies_us.extend(latencies_us);
        page.body_bytes = body_bytes;
    }
    Ok(page)
}

/// Sends the request on one connection until the time is over. Returns the µs of the responses that ended since `from`, and
/// the bytes of the last body.
async fn repeat(
    path: &'static str,
    address: SocketAddr,
    request: DocumentRequest,
    from: Instant,
    until: Instant,
) -> Result<(Vec<f64>, usize), PagesError> {
    let (mut latencies_us, mut body_bytes) = (Vec::new(), 0);
    let mut sender = connect(address).await?;
    loop {
        // A server may close a connection after a number of requests.
        if sender.ready().await.is_err() {
            sender = connect(address).await?;
        }
        let started = Instant::now();
        let exchange = async {
            let response = sender.send_request(request.clone()).await?;
            let status = response.status();
            Ok::<_, hyper::Error>((status, response.into_body().collect().await?.to_bytes().len()))
        };
        let exchange = timeout_at(started + RESPONSE_TIMEOUT, exchange).await;
        let (status, bytes) = exchange.map_err(|_| PagesError::Timeout { path })??;
        if status != StatusCode::OK {
            let status = status.as_u16();
            return Err(PagesError::Answer { path, status });
        }
        let ended = Instant::now();
        if ended >= until {
            return Ok((latencies_us, body_bytes));
        }
        body_bytes = bytes;
        if ended >= from {
            latencies_us.push((ended - started).as_secs_f64() * 1e6);
        }
    }
}

async fn connect(address: SocketAddr) -> Result<http1::SendRequest<Empty<Bytes>>, PagesError> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its errors are those of the requests.
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::header::COOKIE;
    use axum::http::{HeaderMap, HeaderValue};
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    /// Answers `/` after 10 ms with 3,000 bytes, and refuses requests without the cookie.
    async fn serve(requests: Arc<AtomicUsize>) -> SocketAddr {
        let page = async move |headers: HeaderMap| {
            requests.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(10)).await;
            match headers.get(COOKIE) {
                Some(_) => (StatusCode::OK, "x".repeat(3_000)),
                None => (StatusCode::FORBIDDEN, String::new()),
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(page))).await });
        address
    }

    fn request(cookie: Option<&'static str>) -> DocumentRequest {
        let mut request = Request::new(Empty::new());
        if let Some(cookie) = cookie {
            request
                .headers_mut()
                .insert(COOKIE, HeaderValue::from_static(cookie));
        }
        request
    }

    const SETTINGS: LoadSettings = LoadSettings {
        connections: 3,
        warm_up: Duration::from_millis(100),
        duration: Duration::from_millis(300),
    };

    #[tokio::test]
    async fn the_responses_of_the_measurement_are_counted_and_those_of_the_warm_up_are_not() {
        let requests = Arc::new(AtomicUsize::new(0));
        let address = serve(requests.clone()).await;
        let page = load("/", address, request(Some("a=1")), None, SETTINGS).await;
        let page = page.expect("each response is 200");
        let (counted, sent) = (page.latencies_us.len(), requests.load(Ordering::Relaxed));
        // Each connection has a request before the measurement and one that ends after it.
        assert!(counted > 0 && counted + 6 <= sent, "{counted} of {sent}");
        assert!(page.latencies_us.iter().all(|&us| us >= 10_000.0));
        assert_eq!((page.body_bytes, page.resident_kib), (3_000, None));
    }

    #[tokio::test]
    async fn another_status_than_200_is_an_error() {
        let address = serve(Arc::default()).await;
        let page = load("/", address, request(None), None, SETTINGS).await;
        assert!(
            matches!(
                page,
                Err(PagesError::Answer {
                    path: "/",
                    status: 403
                })
            ),
            "{page:?}"
        );
    }
}
