//! Files of the build, and which of them a document names.

use std::fs;
use std::path::Path;

use db::Engine;
use reqwest::Method;

use crate::browser::{Answer, Browser};
use crate::support::TestApp;

const WASM: &[u8] = b"\0asm, as far as this test goes";

/// A folder as the build makes it.
fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().unwrap();
    let write = |file: &str, content: &[u8]| {
        let path = site.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    write("favicon.svg", b"<svg/>");
    write("seam.js", b"// seam.js");
    write("seam.js.br", b"compressed by brotli");
    write("seam.js.gz", b"compressed by gzip");
    write("pkg/seamline.css", b"body {}");
    write("pkg/seamline.js", b"// islands");
    write("pkg/seamline.wasm", WASM);
    write("pkg/seamline.wasm.br", b"wasm by brotli");
    write(app::tracking::boot::SDK_FILE, b"// the SDK");
    site
}

async fn app_with(site: &Path) -> TestApp {
    TestApp::with(Engine::Sqlite, &[("LEPTOS_SITE_ROOT", site.to_str().unwrap())]).await
}

async fn get(browser: &mut Browser, path: &str, encodings: &str) -> Answer {
    let request = browser.request(Method::GET, path).header("accept", "*/*");
    browser.send(request.header("accept-encoding", encodings)).await
}

/// URLs of files that a document names.
fn assets_in(text: &str) -> Vec<String> {
    let urls = text.split('"').filter(|part| part.starts_with("/assets/"));
    let mut urls: Vec<String> = urls.map(str::to_owned).collect();
    urls.sort();
    urls.dedup();
    urls
}

#[tokio::test]
async fn assets_of_a_document_exist_and_are_immutable() {
    let site = site();
    let app = app_with(site.path()).await;
    let mut browser = app.browser();
    let named = assets_in(&browser.open("/").await.text());
    for file in [
        "/favicon.svg",
        "/seam.js",
        "/pkg/seamline.css",
        "/pkg/seamline.js",
        "/pkg/seamline.wasm",
        app::tracking::boot::SDK_FILE,
    ] {
        assert!(named.iter().any(|url| url.ends_with(file)), "{file} in {named:?}");
    }
    assert_eq!(named.len(), 6, "{named:?}");
    let failure = {
        let request = browser
            .request(Method::GET, "/sign-out")
            .header("accept", "text/html");
        browser.send(request).await
    };
    assert_eq!(failure.status, 405);
    let of_failure = assets_in(&failure.text());
    assert!(!of_failure.is_empty());
    let mut visitor = app.browser();
    for url in named.iter().chain(&of_failure) {
        let answer = get(&mut visitor, url, "identity").await;
        assert_eq!(answer.status, 200, "{url}");
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=31536000, immutable"),
            "{url}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{url}");
        assert!(answer.cookies.is_empty(), "{url}: {:?}", answer.cookies);
    }
    let wasm = named.iter().find(|url| url.ends_with(".wasm")).unwrap();
    let answer = get(&mut visitor, wasm, "identity").await;
    assert_eq!(answer.header("content-type"), Some("application/wasm"));
    assert_eq!(answer.body, WASM);
}

#[tokio::test]
async fn another_build_has_other_asset_urls() {
    let site = site();
    let app = app_with(site.path()).await;
    let mut browser = app.browser();
    let before = assets_in(&browser.open("/").await.text());
    fs::write(site.path().join("pkg/seamline.css"), b"body { color: red }").unwrap();
    let next = app_with(site.path()).await;
    let mut visitor = next.browser();
    let after = assets_in(&visitor.open("/").await.text());
    assert_eq!(before.len(), after.len());
    for (old, new) in before.iter().zip(&after) {
        assert_ne!(old, new);
        let answer = get(&mut visitor, old, "identity").await;
        assert_eq!(answer.status, 404, "{old}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{old}");
        assert!(answer.cookies.is_empty(), "{old}: {:?}", answer.cookies);
        assert_eq!(get(&mut visitor, new, "identity").await.status, 200, "{new}");
    }
}

#[tokio::test]
async fn a_404_of_an_asset_is_not_cached() {
    let site = site();
    let app = app_with(site.path()).await;
    let mut browser = app.browser();
    let text = browser.open("/").await.text();
    let script = assets_in(&text)
        .into_iter()
        .find(|url| url.ends_with("/seam.js"))
        .unwrap();
    let root = script.trim_end_matches("/seam.js");
    for path in [
        "/nothing.js",
        "/pkg",
        "/..%2f..%2fCargo.toml",
        "/pkg/..%2f..%2fseam.js.br%00",
    ] {
        let answer = get(&mut browser, &format!("{root}{path}"), "identity").await;
        assert_ne!(answer.status, 200, "{path}");
        let cache = answer.header("cache-control").unwrap_or_default();
        assert!(!cache.contains("immutable"), "{path} {}: {cache}", answer.status);
    }
}

#[tokio::test]
async fn files_are_served_precompressed() {
    let site = site();
    let app = app_with(site.path()).await;
    let mut browser = app.browser();
    let named = assets_in(&browser.open("/").await.text());
    let url = |file: &str| named.iter().find(|url| url.ends_with(file)).unwrap().clone();
    for (file, encodings, encoding, body) in [
        (
            "/seam.js",
            "gzip, deflate, br, zstd",
            Some("br"),
            &b"compressed by brotli"[..],
        ),
        ("/seam.js", "gzip, deflate", Some("gzip"), b"compressed by gzip"),
        ("/seam.js", "identity", None, b"// seam.js"),
        ("/pkg/seamline.wasm", "gzip, br", Some("br"), b"wasm by brotli"),
        // The build has not compressed these, so they come as they are.
        ("/pkg/seamline.wasm", "gzip", None, WASM),
        ("/pkg/seamline.css", "gzip, br", None, b"body {}"),
    ] {
        let answer = get(&mut browser, &url(file), encodings).await;
        assert_eq!(answer.status, 200, "{file} {encodings}");
        assert_eq!(answer.header("content-encoding"), encoding, "{file} {encodings}");
        assert_eq!(answer.body, body, "{file} {encodings}");
        if file == "/seam.js" {
            let kind = answer.header("content-type").unwrap();
            assert!(kind.starts_with("text/javascript"), "{encodings}: {kind}");
        }
        assert!(
            answer.header("cache-control").unwrap().contains("immutable"),
            "{file} {encodings}"
        );
    }
}

#[tokio::test]
async fn a_document_without_an_island_loads_one_script() {
    let app = TestApp::start().await;
    let (mut ada, mut visitor) = (app.browser(), app.browser());
    ada.sign_up("ada@example.com").await;
    for (is_signed_in, path) in [
        (false, "/sign-in"),
        (false, "/sign-up"),
        (false, "/forgot"),
        (false, "/pricing"),
        (false, "/privacy"),
        (true, "/pricing"),
        (true, "/settings"),
        (true, "/polls"),
        (true, "/polls/new"),
        (true, "/operations"),
    ] {
        let browser = if is_signed_in { &mut ada } else { &mut visitor };
        let page = browser.open(path).await;
        let text = page.text();
        assert_eq!(page.status, 200, "{path}");
        assert_scripts(path, &text);
        assert!(!text.contains("<leptos-island"), "{path}: {text}");
        // The script is given these URLs, and loads them only where there is an island.
        assert_eq!(text.matches(".wasm").count(), 1, "{path}");
        assert!(text.contains("data-wasm=\"/assets/"), "{path}");
        assert_eq!(text.matches("/pkg/seamline.js").count(), 1, "{path}");
    }
    // Islands load when the browser is idle, so their documents name no more.
    let fields = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
    ada.submit("/polls/new", &fields).await;
    let poll = app.texts("SELECT id FROM polls").await.remove(0);
    for path in [
        "/".to_owned(),
        "/timeline".to_owned(),
        "/billing".to_owned(),
        "/lab".to_owned(),
        format!("/polls/{poll}"),
        format!("/p/{poll}"),
    ] {
        let text = ada.open(&path).await.text();
        assert_scripts(&path, &text);
        assert!(text.contains("<leptos-island"), "{path}: {text}");
    }
}

/// One script by URL, and nothing loaded ahead.
fn assert_scripts(path: &str, text: &str) {
    let scripts: Vec<&str> = text
        .split("<script")
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap())
        .collect();
    let by_url: Vec<&&str> = scripts.iter().filter(|tag| tag.contains(" src=")).collect();
    assert_eq!(by_url.len(), 1, "{path}: {scripts:?}");
    assert!(
        by_url[0].contains("/seam.js\"") && by_url[0].contains(" defer"),
        "{path}: {by_url:?}"
    );
    for ahead in ["modulepreload", "preload", "prefetch"] {
        assert!(!text.contains(&format!("rel=\"{ahead}\"")), "{path}: {ahead}");
    }
}

#[tokio::test]
async fn documents_are_compressed_as_the_browser_accepts() {
    let site = site();
    let app = app_with(site.path()).await;
    let mut browser = app.browser();
    for (encodings, encoding) in [
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("gzip, deflate, br", Some("br")),
        ("gzip, deflate", Some("gzip")),
        ("identity", None),
    ] {
        let answer = get(&mut browser, "/", encodings).await;
        assert_eq!(answer.header("content-encoding"), encoding, "{encodings}");
        let is_text = answer.body.starts_with(b"<!DOCTYPE html>");
        assert_eq!(is_text, encoding.is_none(), "{encodings}");
    }
}
