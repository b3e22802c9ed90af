//! Servers of two builds on one database, and a server that stops.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use db::Engine;
use db::testing::engines;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::browser::{Answer, Browser};
use crate::support::{TestApp, until};

/// A folder as the release build makes it.
pub fn site(style: &str) -> tempfile::TempDir {
    let site = tempfile::tempdir().unwrap();
    for (file, content) in [
        ("seam.js", "// seam.js"),
        ("seam.js.br", "seam.js by brotli"),
        ("seam.js.gz", "seam.js by gzip"),
        ("pkg/seamline.css", style),
        ("pkg/seamline.wasm", "\0asm"),
        ("pkg/seamline.wasm.br", "wasm by brotli"),
    ] {
        let path = site.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    site
}

async fn app(engine: Engine, site: &Path, database: Option<&str>) -> TestApp {
    let mut variables = vec![("LEPTOS_SITE_ROOT", site.to_str().unwrap())];
    variables.extend(database.map(|url| ("DATABASE_URL", url)));
    TestApp::with(engine, &variables).await
}

/// The path of the build's files, as a document names it.
async fn build_path(browser: &mut Browser) -> String {
    let text = browser.open("/sign-in").await.text();
    let url = text.split('"').find(|part| part.ends_with("/seam.js")).unwrap();
    url.trim_end_matches("/seam.js").to_owned()
}

async fn get(browser: &mut Browser, path: &str, encodings: &str) -> Answer {
    let request = browser.request(Method::GET, path).header("accept", "*/*");
    browser.send(request.header("accept-encoding", encodings)).await
}

#[tokio::test]
async fn every_server_has_the_files_of_both_builds() {
    for engine in engines() {
        let (old_site, new_site) = (site("body {}"), site("body { color: red }"));
        let old = app(engine, old_site.path(), None).await;
        let new = app(engine, new_site.path(), Some(&old.database.url)).await;
        let (mut on_old, mut on_new) = (old.browser(), new.browser());
        let (old_path, new_path) = (build_path(&mut on_old).await, build_path(&mut on_new).await);
        assert_ne!(old_path, new_path);

        for (browser, path, style) in [
            (&mut on_new, &old_path, "body {}"),
            (&mut on_old, &new_path, "body { color: red }"),
        ] {
            for (file, encodings, encoding, kind, body) in [
                ("pkg/seamline.css", "gzip, br", None, "text/css", style),
                (
                    "seam.js",
                    "gzip, br",
                    Some("br"),
                    "text/javascript",
                    "seam.js by brotli",
                ),
                (
                    "seam.js",
                    "gzip",
                    Some("gzip"),
                    "text/javascript",
                    "seam.js by gzip",
                ),
                ("pkg/seamline.wasm", "identity", None, "application/wasm", "\0asm"),
            ] {
                let answer = get(browser, &format!("{path}/{file}"), encodings).await;
                assert_eq!(answer.status, 200, "{engine:?} {path} {file}");
                assert_eq!(answer.header("content-encoding"), encoding, "{file} {encodings}");
                assert_eq!(answer.header("content-type"), Some(kind), "{file}");
                assert_eq!(answer.header("vary"), Some("accept-encoding"), "{file}");
                assert!(
                    answer.header("cache-control").unwrap().contains("immutable"),
                    "{file}"
                );
                assert_eq!(answer.text(), body, "{file} {encodings}");
            }
            for unknown in ["seam.js.br", "../../secret", "no.js", "no%00.js"] {
                assert_eq!(
                    get(browser, &format!("{path}/{unknown}"), "br").await.status,
                    404,
                    "{unknown}"
                );
            }
        }
        let other = "/assets/0123456789abcdef/seam.js";
        assert_eq!(get(&mut on_new, other, "br").await.status, 404);
        assert_eq!(
            get(&mut on_new, other, "br").await.header("cache-control"),
            Some("no-store")
        );
    }
}

#[tokio::test]
async fn files_of_a_build_are_deleted_two_days_after_its_last_use() {
    let (old_site, new_site) = (site("body {}"), site("body { color: red }"));
    let old = app(Engine::Sqlite, old_site.path(), None).await;
    let path = format!("{}/seam.js", build_path(&mut old.browser()).await);
    let two_days_ago = "UPDATE asset_builds SET used_at_ms = used_at_ms - 2 * 86400000";
    old.execute(two_days_ago).await;
    let new = app(Engine::Sqlite, new_site.path(), Some(&old.database.url)).await;
    let mut browser = new.browser();
    until("the old build is deleted", async || {
        (get(&mut browser, &path, "br").await.status == 404).then_some(())
    })
    .await;
    assert_eq!(old.number("SELECT COUNT(*) FROM asset_builds").await, 1);
}

#[tokio::test]
async fn readiness_fails_before_the_server_refuses_connections() {
    let app = TestApp::with(Engine::Sqlite, &[("DRAIN_SECS", "2")]).await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let fields = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
    browser.submit("/polls/new", &fields).await;
    let poll = app.texts("SELECT id FROM polls").await.remove(0);
    let feed = browser.request(Method::GET, &format!("/p/{poll}/live"));
    let mut feed = feed.header("accept", "text/event-stream").send().await.unwrap();
    assert!(feed.chunk().await.unwrap().is_some());

    let began = Instant::now();
    app.begin_to_stop();
    let ready = until("readiness fails", async || {
        let answer = app.browser().open("/readyz").await;
        (answer.status == 503).then(|| answer.json())
    })
    .await;
    assert_eq!(ready["stopping"], true, "{ready}");
    // A new connection of a load balancer that has not noticed yet.
    let answer = app.browser().open("/sign-in").await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert!(began.elapsed() < Duration::from_secs(2), "it was asked in time");
    app.stop().await;
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    while feed.chunk().await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_request_of_a_connection_that_was_accepted_is_answered() {
    let app = TestApp::start().await;
    let address = app.url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.unwrap();
    // The server has accepted it when it answers on a later one.
    assert_eq!(app.browser().open("/livez").await.status, 200);
    app.begin_to_stop();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let request = format!("GET /livez HTTP/1.1\r\nHost: {address}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}
