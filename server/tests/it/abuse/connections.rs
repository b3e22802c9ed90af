//! Item 10: slow clients, the number of connections and feeds, and feeds whose login has ended.

use std::time::Duration;

use db::Engine;
use reqwest::StatusCode;
use server::{HttpTiming, Timing};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::feed;
use crate::support::{BEHIND_PROXY, TestApp, until};

/// Waits that a test can wait for.
const SHORT: Duration = Duration::from_millis(300);

/// Only a failing test waits so long.
const LONGEST: Duration = Duration::from_secs(10);

async fn with_timing(http: HttpTiming) -> TestApp {
    let timing = Timing {
        http,
        ..Timing::default()
    };
    TestApp::timed(Engine::Sqlite, timing).await
}

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(host(app)).await.unwrap()
}

fn host(app: &TestApp) -> &str {
    app.url.strip_prefix("http://").unwrap()
}

/// What the server sends until it closes the connection.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset ends the connection as well.
    let _ = timeout(LONGEST, stream.read_to_end(&mut text))
        .await
        .expect("the server closes the connection");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_slow_request_head_ends_the_connection() {
    let app = with_timing(HttpTiming {
        head: SHORT,
        ..HttpTiming::default()
    })
    .await;
    for piece in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "] {
        let mut stream = connect(&app).await;
        stream.write_all(piece.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await;
    }
}

#[tokio::test]
async fn a_slow_body_ends_the_request() {
    let app = with_timing(HttpTiming {
        body: SHORT,
        ..HttpTiming::default()
    })
    .await;
    for path in ["/ingest", "/sign-in", "/webhooks/stripe", "/api/vote", "/privacy"] {
        let mut stream = connect(&app).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 1000\r\nConnection: close\r\n\r\na=",
            host(&app)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let response = read_to_end(&mut stream).await;
        assert!(response.starts_with("HTTP/1.1 4"), "{path}: {response}");
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_disconnected() {
    let app = with_timing(HttpTiming {
        write: SHORT,
        ..HttpTiming::default()
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(host(&app).parse().unwrap()).await.unwrap();
    let request = format!("GET /sign-in HTTP/1.1\r\nHost: {}\r\n\r\n", host(&app));
    let until_closed = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    // The server stops reading requests when it cannot write responses, and then closes the connection.
    timeout(LONGEST, until_closed)
        .await
        .expect("the server closes the connection");
}

#[tokio::test]
async fn connections_of_one_address_are_limited() {
    let app = TestApp::with(Engine::Sqlite, &[("MAX_CONNECTIONS_PER_ADDRESS", "3")]).await;
    let idle = [connect(&app).await, connect(&app).await, connect(&app).await];
    assert_eq!(livez(&app).await, (429, true));
    drop(idle);
    until("the connections are free again", async || {
        (livez(&app).await == (200, false)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn connections_in_total_are_limited_also_behind_a_proxy() {
    let limits = [("MAX_CONNECTIONS", "3"), ("MAX_CONNECTIONS_PER_ADDRESS", "1")];
    let app = TestApp::with(Engine::Sqlite, &[&BEHIND_PROXY[..], &limits].concat()).await;
    let _idle = [connect(&app).await, connect(&app).await, connect(&app).await];
    assert_eq!(livez(&app).await, (503, true));
}

/// The status of a request on a connection of its own, and whether it says when to try again.
async fn livez(app: &TestApp) -> (u16, bool) {
    let mut stream = connect(app).await;
    let request = format!(
        "GET /livez HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        host(app)
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let response = read_to_end(&mut stream).await.to_ascii_lowercase();
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect(&response), response.contains("\r\nretry-after: "))
}

#[tokio::test]
async fn feeds_are_limited_by_address_and_in_total() {
    let limits = [("MAX_CONNECTIONS", "12"), ("MAX_FEEDS_PER_ADDRESS", "4")];
    let app = TestApp::with(Engine::Sqlite, &[&BEHIND_PROXY[..], &limits].concat()).await;
    let path = feed::of_new_poll(&app).await;
    let browser = app.browser();
    let mut open = Vec::new();
    for (address, expected) in [
        ("2001:db8:1:2::1", 200),
        ("2001:db8:1:2::2", 200),
        ("2001:db8:1:2::3", 200),
        ("2001:db8:1:2::4", 200),
        ("2001:db8:1:2::5", 429),
        ("203.0.113.1", 200),
        ("203.0.113.2", 200),
        ("203.0.113.3", 503),
    ] {
        let feed = feed::open(&browser, &path, Some(address)).await;
        assert_eq!(feed.status(), expected, "{address}");
        match feed.status() {
            StatusCode::OK => open.push(feed),
            _ => assert_eq!(feed.headers()["retry-after"], "10", "{address}"),
        }
    }
    let page = browser
        .request(reqwest::Method::GET, "/livez")
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200, "pages are not refused");
    drop(open);
    until("the feeds are free again", async || {
        let feed = feed::open(&browser, &path, Some("203.0.113.3")).await;
        (feed.status() == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_feed_ends_with_its_login() {
    for path in ["/billing/live", "/timeline/live"] {
        let app = with_timing(HttpTiming {
            login_check: SHORT,
            ..HttpTiming::default()
        })
        .await;
        let mut ada = app.browser();
        ada.sign_up("ada@example.com").await;
        let mut feed = feed::open(&ada, path, None).await;
        assert_eq!(feed.status(), 200, "{path}");
        assert!(feed.chunk().await.unwrap().is_some(), "{path}");
        // A stolen cookie's feed is still open.
        ada.clone().sign_out().await;
        feed::wait_for_end(&mut feed).await;
    }
}

#[tokio::test]
async fn a_feed_ends_after_its_time() {
    let app = with_timing(HttpTiming {
        feed: SHORT,
        ..HttpTiming::default()
    })
    .await;
    let path = feed::of_new_poll(&app).await;
    let mut feed = feed::open(&app.browser(), &path, None).await;
    feed::wait_for_end(&mut feed).await;
}
