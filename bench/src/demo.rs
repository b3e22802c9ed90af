//! The app as a process of its own with its stand-ins, one account, and a real browser that is driven against it.
//!
//! The browser's half of a measurement is a script in `end2end/bench`, which prints what it measured as JSON.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;
use tracking::UserId;

use crate::browser::{ADDRESS_HEADER, Browser};
use crate::ports;
use crate::process::{Process, ProcessError};

/// How long the browser's half may take.
const BROWSER: Duration = Duration::from_secs(600);
/// The account.
pub const EMAIL: &str = "ada@example.com";
/// Its password.
pub const PASSWORD: &str = "correct horse battery staple";

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The app does not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A request got no answer, or a bad one.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// The sign-up failed.
    #[error("the sign-up was answered {0}")]
    SignUp(StatusCode),
    /// The page of the account has no user.
    #[error("no user is signed in after the sign-up")]
    NoUser,
    /// The configuration of local mode has no key.
    #[error(transparent)]
    Config(#[from] backend::config::ConfigError),
    /// The browser's half failed.
    #[error("the browser's half failed: {0}")]
    Browser(String),
    /// The machine refuses something.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// The app, its stand-in for Amplitude at `collector`, and the front in `site`. It is ready when this returns.
pub(crate) async fn start(
    program: &Path,
    folder: &Path,
    site: &Path,
    collector: SocketAddr,
    client: &Client,
) -> Result<Process, DemoError> {
    let mut app = Process::new("seamline", program, ports::free()?, "/livez", folder, client);
    let address = app.address.to_string();
    app.environment.extend::<[(&str, OsString); 7]>([
        ("PUBLIC_URL", format!("http://{address}").into()),
        ("LEPTOS_SITE_ADDR", address.into()),
        ("LEPTOS_SITE_ROOT", site.into()),
        ("STRIPE_LOCAL_ADDR", ports::free()?.to_string().into()),
        ("AMPLITUDE_LOCAL_ADDR", collector.to_string().into()),
        ("DATA_DIR", folder.into()),
        ("CLIENT_IP_HEADER", ADDRESS_HEADER.into()),
    ]);
    app.is_there().await?;
    Ok(app)
}

/// Makes the account.
pub(crate) async fn sign_up(client: &Client, site: SocketAddr) -> Result<UserId, DemoError> {
    let mut browser = Browser::new(client, site, Ipv4Addr::LOCALHOST);
    browser.open("/sign-up").await?;
    let answer = browser
        .submit("/sign-up", &[("email", EMAIL), ("password", PASSWORD)])
        .await?;
    if answer.status != StatusCode::SEE_OTHER {
        return Err(DemoError::SignUp(answer.status));
    }
    let boot = browser.open("/polls").await?.boot();
    boot["user"]
        .as_str()
        .and_then(UserId::parse)
        .ok_or(DemoError::NoUser)
}

/// Runs the script `bench/<name>` of the folder `scripts` with the site's URL, the account and `more`.
pub(crate) async fn drive(
    scripts: &Path,
    name: &str,
    site: SocketAddr,
    more: &[String],
) -> Result<Value, DemoError> {
    let child = Command::new("node")
        .current_dir(scripts)
        .arg(format!("bench/{name}"))
        .arg(format!("http://{site}"))
        .args([EMAIL, PASSWORD])
        .args(more)
        .kill_on_drop(true)
        .output();
    let output = timeout(BROWSER, child)
        .await
        .map_err(|_| DemoError::Browser(format!("it is not done after {} s", BROWSER.as_secs())))??;
    if !output.status.success() {
        return Err(DemoError::Browser(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| DemoError::Browser(error.to_string()))
}
