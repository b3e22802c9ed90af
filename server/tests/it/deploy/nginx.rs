//! `deploy/nginx.conf` with the real nginx between a client and the server.

use std::fs;
use std::net::{IpAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use db::Engine;
use reqwest::Method;
use reqwest::redirect::Policy;

use super::{program, read, replaced};
use crate::browser::Browser;
use crate::sdk::{DEVICE, SESSION, batch, event};
use crate::support::{BEHIND_PROXY, TestApp, until};

/// The client's address: one that the server can tell from the proxy's.
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 5));

/// A running nginx. Dropping it ends the process.
pub struct Nginx {
    process: Child,
    folder: tempfile::TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

impl Nginx {
    /// Starts nginx with the example. It listens on `port` without TLS, and forwards to these addresses.
    pub fn start(program: &Path, port: u16, servers: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        const SERVER: &str = "    server 127.0.0.1:3000 max_fails=1 fail_timeout=5s;\n";
        let line = |server: &&str| SERVER.replace("127.0.0.1:3000", server);
        let servers: String = servers.iter().map(line).collect();
        let example = replaced(
            &read("nginx.conf"),
            &[
                (SERVER, &servers),
                ("listen 443 ssl http2;", &format!("listen 127.0.0.1:{port};")),
                ("listen [::]:443 ssl http2;", ""),
                (
                    "    ssl_certificate /etc/letsencrypt/live/demo.example/fullchain.pem;\n",
                    "",
                ),
                (
                    "    ssl_certificate_key /etc/letsencrypt/live/demo.example/privkey.pem;\n",
                    "",
                ),
                // Its only other server redirects to https. No port of the machine is taken for it.
                ("listen 80;", &format!("listen unix:{};", path("redirect.socket"))),
                ("listen [::]:80;", ""),
                ("/var/log/nginx/seamline.log", &path("access.log")),
            ],
        );
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("    {kind}_temp_path {};\n", path(kind)))
            .concat();
        let settings = format!(
            "daemon off;\npid {};\nerror_log {};\nevents {{}}\nhttp {{\n    access_log off;\n{temporary}{example}}}\n",
            path("nginx.pid"),
            path("error.log"),
        );
        fs::write(path("nginx.conf"), settings).unwrap();
        let process = Command::new(program)
            .args([
                "-p",
                &path(""),
                "-c",
                &path("nginx.conf"),
                "-e",
                &path("error.log"),
            ])
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self { process, folder }
    }

    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Reads an open feed until it has said `text`.
async fn read_until(feed: &mut reqwest::Response, text: &str) {
    let read = async {
        let mut all = String::new();
        while !all.contains(text) {
            let chunk = feed.chunk().await.unwrap().expect("the feed goes on");
            all.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), read)
        .await
        .unwrap_or_else(|_| panic!("{text} did not arrive"));
}

#[tokio::test]
async fn nginx_forwards_streams_and_addresses_and_logs_no_secret() {
    let Some(program) = program("nginx") else { return };
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let variables = [&BEHIND_PROXY[..], &[("PUBLIC_URL", url.as_str())]].concat();
    let app = TestApp::with(Engine::Sqlite, &variables).await;
    let nginx = Nginx::start(&program, port, &[app.url.trim_start_matches("http://")]);
    let client = reqwest::Client::builder()
        .local_address(CLIENT)
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    until("nginx listens", async || client.get(&url).send().await.ok()).await;

    // The client's own claim does not count.
    let mut sdk = Browser::new(&client, &url);
    sdk.adopt(&app.public_key, DEVICE, SESSION).await;
    sdk.set_header("x-forwarded-for", "203.0.113.9");
    let sent = batch(&app.public_key, &[event("session_start", "i-1")]);
    let answer = sdk.ingest(&sent).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let found = app.collector.get(&format!("/local/events?device={DEVICE}")).await;
    assert_eq!(found["events"][0]["ip_address"], CLIENT.to_string(), "{found}");

    // A feed's messages arrive while it is open.
    let mut ada = Browser::new(&client, &url);
    ada.sign_up("ada@example.com").await;
    let fields = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
    ada.submit("/polls/new", &fields).await;
    let poll = app.texts("SELECT id FROM polls").await.remove(0);
    let feed = ada.request(Method::GET, &format!("/p/{poll}/live"));
    let mut feed = feed.header("accept", "text/event-stream").send().await.unwrap();
    read_until(&mut feed, "\"voters\":0").await;
    let vote = [("choice", "1"), ("revision", "0")];
    assert_eq!(ada.submit(&format!("/p/{poll}"), &vote).await.status, 303);
    read_until(&mut feed, "\"voters\":1").await;

    for path in [
        "/verify/5ec2e7",
        "/reset/5ec2e7",
        "/verify",
        "/reset?x=5ec2e7",
        "/sign-in?next=/5ec2e7",
    ] {
        let status = client.get(format!("{url}{path}")).send().await.unwrap().status();
        assert!(status.is_success() || status.is_redirection(), "{path}: {status}");
    }
    let log = until("the sign-in page is logged", async || {
        Some(nginx.log("access.log")).filter(|log| log.contains(" GET /sign-in 200 "))
    })
    .await;
    assert!(log.contains(&format!("{CLIENT} [")), "{log}");
    for secret in ["verify", "reset", "5ec2e7"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }

    // nginx logs errors with the whole request.
    drop(feed);
    app.stop().await;
    for path in ["/verify/5ec2e7", "/reset/5ec2e7", "/sign-in"] {
        let status = client.get(format!("{url}{path}")).send().await.unwrap().status();
        assert_eq!(status, 502, "{path}");
    }
    let log = nginx.log("error.log");
    assert!(log.contains("GET /sign-in"), "{log}");
    assert!(!log.contains("5ec2e7"), "{log}");
}
