//! Stripe's official SDKs for Node.js and Python, unchanged, at the API version of the stand-in.
//!
//! `scripts/sdk-clients.sh` installs them (`make test` calls it). `SEAMLINE_SKIP_SDKS=1` skips these tests.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use crate::{
    receiver::SECRET,
    test_server::{KEY, TestServer},
};

/// For slow machines.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The folder of the SDK scripts. Cargo runs tests in the folder of their package. A compiled-in path could belong to
/// another checkout with the same build directory.
fn scripts_folder() -> PathBuf {
    std::path::absolute("tests/sdks").expect("a working directory")
}

/// Whether the test runs. Panics if the SDK is missing and the test is not skipped explicitly.
fn is_installed(path: &Path) -> bool {
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

/// Runs an SDK script against a new account and compares its output.
async fn run_script(program: &Path, script: &Path) {
    let server = TestServer::start().await;
    let child = Command::new(program)
        .arg(script)
        .args([&server.url, KEY, SECRET])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = timeout(TIMEOUT, child)
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
        // Cancellation, its undoing, and conversion; the trial's $0 invoice and the first payment.
        "events": [updated, updated, updated, "invoice.paid", "invoice.paid"],
        "refused": ["StripeInvalidRequestError", "resource_missing", 404],
    });
    assert_eq!(printed, expected, "{errors}");
    server.stop().await;
}

#[tokio::test]
async fn node_sdk() {
    let folder = scripts_folder().join("node");
    if is_installed(&folder.join("node_modules").join("stripe")) {
        run_script(Path::new("node"), &folder.join("script.mjs")).await;
    }
}

#[tokio::test]
async fn python_sdk() {
    let folder = scripts_folder().join("python");
    let program = folder.join(".venv").join("bin").join("python");
    if is_installed(&program) {
        run_script(&program, &folder.join("script.py")).await;
    }
}
