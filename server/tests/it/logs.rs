//! The logs of all servers of these tests: a line for each request, and no line with a mail address, a password, a key, a
//! cookie, a token or text of a user.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use backend::config::LogFormat;
use db::Engine;
use serde_json::Value;
use server::telemetry;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{TestApp, until};

/// What the tests use everywhere, and logs must not have.
const SECRETS: [&str; 13] = [
    "@example.com",
    "@example.org",
    crate::browser::PASSWORD,
    "seam_login=",
    "seam_device=",
    "set-cookie",
    "whsec_",
    "sk_test_",
    // The keys of Amplitude, of the tests and of local mode.
    "0123456789abcdef0123456789abcdef",
    "5ea11e00000000000000000000000a11",
    "a key for tests",
    "Lunch?",
    "\"insert_id\"",
];

/// Secrets of mail links and hashes of cookies have at least so many hex digits, IDs have fewer.
const HEX_OF_A_SECRET: usize = 60;

/// The lines since the start of the tests, and those of them that have a secret.
#[derive(Default)]
struct Lines {
    all: Vec<String>,
    leaks: Vec<String>,
}

static LINES: Mutex<Lines> = Mutex::new(Lines {
    all: Vec::new(),
    leaks: Vec::new(),
});

fn lines() -> MutexGuard<'static, Lines> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn has_secret(line: &str) -> bool {
    let is_long_hex = |part: &str| part.len() >= HEX_OF_A_SECRET;
    SECRETS.iter().any(|secret| line.contains(secret))
        || line
            .split(|char: char| !char.is_ascii_hexdigit())
            .any(is_long_hex)
}

/// Collects lines. Each line is one write.
#[derive(Clone, Copy)]
struct Collector;

impl Write for Collector {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes).into_owned();
        let mut lines = lines();
        if has_secret(&line) {
            lines.leaks.push(line.clone());
        }
        lines.all.push(line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Collector {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

/// Fails the test whose server it belongs to, if any server has logged a secret.
pub struct LogWatch(());

impl LogWatch {
    pub fn start() -> Self {
        static START: Once = Once::new();
        START.call_once(|| {
            let filter = EnvFilter::new("info,server=debug,app=debug,backend=debug,outbox=debug,db=debug");
            let subscriber = telemetry::subscriber(LogFormat::Json, filter, Collector, crate::otel::traces());
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        Self(())
    }
}

impl Drop for LogWatch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let leaks = &lines().leaks;
            assert!(leaks.is_empty(), "secrets in the logs: {leaks:#?}");
        }
    }
}

#[test]
fn a_secret_is_found_in_a_line() {
    for (line, expected) in [
        (r#"{"message":"sent to ada@example.com"}"#, true),
        (r#"{"message":"Cookie: seam_login=abc"}"#, true),
        (&format!("/verify/{}", "0f".repeat(32)), true),
        (r#"{"request.id":"0197c2d4-6c8e-7b1a-9d50-3b1f6a7e4c21"}"#, false),
        (r#"{"user.id":"0197c2d46c8e7b1a9d503b1f6a7e4c21"}"#, false),
    ] {
        assert_eq!(has_secret(line), expected, "{line}");
    }
}

/// The lines with this request ID.
fn of_request(id: &str) -> Vec<Value> {
    let lines = lines();
    let with_id = lines.all.iter().filter(|line| line.contains(id));
    with_id.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn each_request_has_one_line_with_route_status_and_time() {
    let app = TestApp::with(Engine::Sqlite, &[]).await;
    let mut browser = app.browser();
    browser.set_header("x-request-id", "of-the-client");
    for (path, route, status) in [
        ("/sign-in?next=/polls/private", "/sign-in", 200),
        ("/p/0197c2d4-6c8e-7b1a-9d50-3b1f6a7e4c21", "/p/{poll}", 404),
        ("/verify/0f0f", "/verify/{secret}", 303),
        ("/no/such/page", "none", 404),
        ("/readyz", "/readyz", 200),
    ] {
        let answer = browser.open(path).await;
        assert_eq!(answer.status, status, "{path}");
        let id = answer.header("x-request-id").unwrap();
        assert_ne!(id, "of-the-client");
        let access = until("the line is written", async || {
            let mut lines = of_request(id);
            lines.retain(|line| line["target"] == "access");
            (!lines.is_empty()).then_some(lines)
        })
        .await;
        let [line] = &access[..] else {
            panic!("{path}: {access:?}")
        };
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["status"], status, "{line}");
        assert!(line["ms"].is_u64(), "{line}");
        let request = &line["span"];
        assert_eq!(request["request.id"], id, "{line}");
        assert_eq!(request["method"], "GET", "{line}");
        assert_eq!(request["route"], route, "{line}");
        for hidden in ["private", "0197c2d4", "0f0f", "/no/such", "of-the-client"] {
            assert!(!line.to_string().contains(hidden), "{hidden} in {line}");
        }
    }
}
