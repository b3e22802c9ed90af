//! Local mode on a machine whose environment names a proxy, as in many offices. The proxy cannot reach the stand-ins.

use std::process::Stdio;

use crate::browser::Browser;
use crate::deploy::nginx::free_port;
use crate::deploy::rolling::site;
use crate::support::until;

#[tokio::test]
async fn local_mode_calls_its_stand_ins_without_a_proxy() {
    let client = http_browser::client().unwrap();
    let (folder, site) = (tempfile::tempdir().unwrap(), site("body {}"));
    let [app, amplitude, stripe] = std::array::from_fn(|_| format!("127.0.0.1:{}", free_port()));
    // Nothing listens there.
    let proxy = format!("http://127.0.0.1:{}", free_port());
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_seamline"));
    command.env_clear();
    for (name, value) in [
        ("SEAMLINE_LOCAL", "1"),
        ("LEPTOS_SITE_ADDR", &app),
        ("AMPLITUDE_LOCAL_ADDR", &amplitude),
        ("STRIPE_LOCAL_ADDR", &stripe),
        ("RUST_LOG", "off"),
        ("HTTP_PROXY", &proxy),
        ("http_proxy", &proxy),
        ("HTTPS_PROXY", &proxy),
    ] {
        command.env(name, value);
    }
    let _server = command
        .env("DATA_DIR", folder.path())
        .env("LEPTOS_SITE_ROOT", site.path())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let url = format!("http://{app}");
    until("the server is ready", async || {
        let ready = client.get(format!("{url}/readyz")).send().await.ok()?;
        ready.status().is_success().then_some(())
    })
    .await;
    let mut browser = Browser::new(&client, &url);
    assert_eq!(browser.sign_up("ada@example.com").await.status, 303);
    until("the event is delivered, and read back", async || {
        let page = browser.open("/timeline").await.text();
        page.contains("Sign-up completed").then_some(())
    })
    .await;
}
