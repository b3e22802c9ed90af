//! Measurements in a real browser: starts the app with its stand-ins, creates one account, and runs a Chromium script.
//!
//! The scripts are in `end2end/bench`; each prints its measurements as JSON.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use http_browser::BrowserError;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;
use tracking::UserId;

use crate::browser::new_browser;
use crate::ports;
use crate::process::{Process, ProcessError};

/// Time limit of a script.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(600);
/// The email address of the account.
pub const EMAIL: &str = "ada@example.com";
/// The password of the account.
pub const PASSWORD: &str = "correct horse battery staple";

/// Why a measurement in the browser failed.
#[derive(Debug, thiserror::Error)]
pub enum ChromiumError {
    /// The app could not be started, or exited.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A request failed, or was answered with an error status.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// A page did not arrive.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// The sign-up did not redirect.
    #[error("the sign-up was answered {0}")]
    SignUp(u16),
    /// The page after the sign-up has no user.
    #[error("no user is signed in after the sign-up")]
    NoUser,
    /// The configuration of local mode is invalid.
    #[error(transparent)]
    Config(#[from] backend::config::ConfigError),
    /// The Chromium script failed.
    #[error("the Chromium script failed: {0}")]
    Script(String),
    /// A file, port or process could not be created.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Starts the app with its stand-in for Amplitude at `collector` and the built front end in `site`. Returns when the app
/// is ready.
pub(crate) async fn start_app(
    program: &Path,
    folder: &Path,
    site: &Path,
    collector: SocketAddr,
    client: &Client,
) -> Result<Process, ChromiumError> {
    let mut app = Process::new("seamline", program, ports::find_free()?, "/livez", folder, client);
    let address = app.address.to_string();
    app.environment.extend::<[(&str, OsString); 8]>([
        ("PUBLIC_URL", format!("http://{address}").into()),
        ("LEPTOS_SITE_ADDR", address.into()),
        ("LEPTOS_SITE_ROOT", site.into()),
        ("STRIPE_LOCAL_ADDR", ports::find_free()?.to_string().into()),
        ("AMPLITUDE_LOCAL_ADDR", collector.to_string().into()),
        ("DATA_DIR", folder.into()),
        ("SEAMLINE_LOCAL", "remote".into()),
        ("TRUSTED_PROXIES", "127.0.0.1".into()),
    ]);
    app.ensure_ready().await?;
    Ok(app)
}

/// Creates the account; returns its user ID.
pub(crate) async fn sign_up(client: &Client, site: SocketAddr) -> Result<UserId, ChromiumError> {
    let mut browser = new_browser(client, site, Ipv4Addr::LOCALHOST);
    browser.open("/sign-up").await?;
    let answer = browser
        .submit("/sign-up", &[("email", EMAIL), ("password", PASSWORD)])
        .await?;
    if answer.status != StatusCode::SEE_OTHER {
        return Err(ChromiumError::SignUp(answer.status));
    }
    let boot = browser.open("/polls").await?.embedded_json("boot");
    let boot = boot.unwrap_or_default();
    boot["user"]
        .as_str()
        .and_then(UserId::parse)
        .ok_or(ChromiumError::NoUser)
}

/// Runs the script `bench/<name>` of the folder `scripts` with the site's URL, the account and `more` as arguments.
/// Returns the JSON that it prints. Fails after [`SCRIPT_TIMEOUT`].
pub(crate) async fn run_script(
    scripts: &Path,
    name: &str,
    site: SocketAddr,
    more: &[String],
) -> Result<Value, ChromiumError> {
    let child = Command::new("node")
        .current_dir(scripts)
        .arg(format!("bench/{name}"))
        .arg(format!("http://{site}"))
        .args([EMAIL, PASSWORD])
        .args(more)
        .kill_on_drop(true)
        .output();
    let output = timeout(SCRIPT_TIMEOUT, child)
        .await
        .map_err(|_| ChromiumError::Script(format!("not finished after {} s", SCRIPT_TIMEOUT.as_secs())))??;
    if !output.status.success() {
        return Err(ChromiumError::Script(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| ChromiumError::Script(error.to_string()))
}
