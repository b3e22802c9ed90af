//! Stripe's official SDKs at the API version that is spoken here live a subscription's life, unchanged.
//!
//! `scripts/sdk-clients.sh` installs them (`make test` calls it). Set `SEAMLINE_SKIP_SDKS=1` to do without.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use crate::{
    receiver::SECRET,
    support::{KEY, Server},
};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where their programs are. Cargo runs tests in their package's folder; a path that was compiled in may be that of another
/// checkout with the same build directory.
fn sdks() -> PathBuf {
    std::path::absolute("tests/sdks").expect("a working directory")
}

/// Whether the test is to run. A missing SDK is a failure, so that nobody takes silence for success.
fn installed(path: &Path) -> bool {
    if std::env::var("SEAMLINE_SKIP_SDKS").is_ok_and(|skip| skip == "1") {
        return false;
    }
    assert!(
        path.exists(),
        "{} is missing: run scripts/sdk-clients.sh, or set SEAMLINE_SKIP_SDKS=1 to skip this test",
        path.display()
    );
    true
}

/// Runs a client against a new account and compares what it printed.
async fn live(program: &Path, script: &Path) {
    let server = Server::start().await;
    let child = Command::new(program)
        .arg(script)
        .args([&server.url, KEY, SECRET])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, child)
        .await
        .expect("the client ends")
        .expect("the client starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", script.display());
    let printed: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    let updated = "customer.subscription.updated";
    let expected = json!({
        "statuses": ["trialing", true, false, "active"],
        "paid": 1200,
        "payments": 1,
        "session": "open",
        "portal": "billing_portal.session",
        "refund": ["succeeded", 200],
        // Cancel, resume, conversion; the trial's $0 invoice and the first payment.
        "events": [updated, updated, updated, "invoice.paid", "invoice.paid"],
        "refused": ["StripeInvalidRequestError", "resource_missing", 404],
    });
    assert_eq!(printed, expected, "{errors}");
    server.stop().await;
}

#[tokio::test]
async fn node() {
    let folder = sdks().join("node");
    if installed(&folder.join("node_modules").join("stripe")) {
        live(Path::new("node"), &folder.join("script.mjs")).await;
    }
}

#[tokio::test]
async fn python() {
    let folder = sdks().join("python");
    let program = folder.join(".venv").join("bin").join("python");
    if installed(&program) {
        live(&program, &folder.join("script.py")).await;
    }
}
