//! Item 7: the client's address behind a proxy. The limit of one feed for each address shows which address counts.

use db::Engine;

use super::feed;
use crate::support::{BEHIND_PROXY, TestApp};

async fn app(proxy: &[(&str, &str)]) -> TestApp {
    let variables = [proxy, &[("MAX_FEEDS_PER_ADDRESS", "1")]].concat();
    TestApp::with(Engine::Sqlite, &variables).await
}

#[tokio::test]
async fn behind_a_trusted_proxy_its_report_counts() {
    let app = app(&BEHIND_PROXY).await;
    let path = feed::of_new_poll(&app).await;
    let browser = app.browser();
    for (first, second, is_same) in [
        ("203.0.113.1", "203.0.113.2", false),
        ("203.0.113.3", "198.51.100.1, 203.0.113.3", true),
        ("203.0.113.4", "203.0.113.4:4711", true),
        ("203.0.113.5", "::ffff:203.0.113.5", true),
        ("203.0.113.6", "203.0.113.6, 127.0.0.1", true),
        ("2001:db8:1:1::1", "[2001:db8:1:1:ffff::2]:4711", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("198.51.100.2, 203.0.113.7", "198.51.100.2, 203.0.113.8", false),
    ] {
        let open = feed::open(&browser, &path, Some(first)).await;
        assert_eq!(open.status(), 200, "{first}");
        let second_status = feed::open(&browser, &path, Some(second)).await.status();
        let expected = if is_same { 429 } else { 200 };
        assert_eq!(second_status, expected, "{first}; {second}");
    }
}

#[tokio::test]
async fn the_header_of_another_peer_is_a_claim() {
    let untrusted = [("SEAMLINE_LOCAL", "remote"), ("TRUSTED_PROXIES", "10.0.0.0/8")];
    let app = app(&untrusted).await;
    let path = feed::of_new_poll(&app).await;
    let browser = app.browser();
    let open = feed::open(&browser, &path, Some("203.0.113.1")).await;
    assert_eq!(open.status(), 200);
    let second = feed::open(&browser, &path, Some("203.0.113.2")).await;
    assert_eq!(second.status(), 429);
}
