//! The timeline of somebody with a long story, in a real browser: how it opens, and whether it stutters.
//!
//! The app runs as a process of its own, with its stand-in for Amplitude, which is filled first. Chromium is driven by
//! `end2end/bench/timeline.mjs`, which measures inside the page; this makes a report of what it says.

mod fill;
mod report;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use backend::clock::Clock;
use backend::config::Config;
use reqwest::{Client, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;
use tracking::UserId;

use crate::browser::{self, ADDRESS_HEADER, Browser};
use crate::ports;
use crate::process::{Process, ProcessError};
pub use report::Report;

/// Events of one upload, the most that `/batch` takes.
const UPLOAD: usize = 2_000;
/// The browser's share, at most.
const BROWSER: Duration = Duration::from_secs(600);
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// How long a story, and how often it is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sessions.
    pub sessions: usize,
    /// Events in each.
    pub each: usize,
    /// How often the page is opened.
    pub openings: u32,
    /// How many pages of earlier sessions are put below it.
    pub pages: u32,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// The app does not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A request got no answer, or a bad one.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// Nobody could be signed up.
    #[error("the sign-up was answered {0}")]
    SignUp(StatusCode),
    /// Or they have no ID.
    #[error("the page knows nobody")]
    Nobody,
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

/// Measures `program`, the app, which serves the front in `site`; `scripts` is the folder of the browser tests.
///
/// # Errors
/// When anything but the figures is out of the ordinary.
pub async fn run(
    program: &Path,
    site: &Path,
    scripts: &Path,
    settings: &Settings,
) -> Result<Report, TimelineError> {
    let folder = tempfile::tempdir()?;
    let client = browser::client()?;
    let collector = ports::free()?;
    let mut app = app(program, folder.path(), site, collector, &client)?;
    app.is_there().await?;
    let user = sign_up(&client, app.address).await?;
    fill(&client, collector, user, settings).await?;
    let measured = measure(scripts, app.address, settings).await?;
    app.is_alive()?;
    Ok(Report {
        settings: settings.clone(),
        measured,
    })
}

fn app(
    program: &Path,
    folder: &Path,
    site: &Path,
    collector: SocketAddr,
    client: &Client,
) -> Result<Process, TimelineError> {
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
    Ok(app)
}

async fn sign_up(client: &Client, site: SocketAddr) -> Result<UserId, TimelineError> {
    let mut browser = Browser::new(client, site, Ipv4Addr::LOCALHOST);
    browser.open("/sign-up").await?;
    let answer = browser
        .submit("/sign-up", &[("email", EMAIL), ("password", PASSWORD)])
        .await?;
    if answer.status != StatusCode::SEE_OTHER {
        return Err(TimelineError::SignUp(answer.status));
    }
    let boot = browser.open("/polls").await?.boot();
    boot["user"]
        .as_str()
        .and_then(UserId::parse)
        .ok_or(TimelineError::Nobody)
}

async fn fill(
    client: &Client,
    collector: SocketAddr,
    user: UserId,
    settings: &Settings,
) -> Result<(), TimelineError> {
    let config = Config::read(|_| None)?;
    let key = config.amplitude.api_key.expose_secret();
    let now_ms = Clock::system().now_ms();
    let events: Vec<Value> = fill::story(user, now_ms, settings.sessions, settings.each).collect();
    for events in events.chunks(UPLOAD) {
        client
            .post(format!("http://{collector}/batch"))
            .json(&json!({"api_key": key, "events": events}))
            .send()
            .await?
            .error_for_status()?;
    }
    Ok(())
}

async fn measure(scripts: &Path, site: SocketAddr, settings: &Settings) -> Result<Value, TimelineError> {
    let child = Command::new("node")
        .current_dir(scripts)
        .arg("bench/timeline.mjs")
        .arg(format!("http://{site}"))
        .args([
            EMAIL,
            PASSWORD,
            &settings.openings.to_string(),
            &settings.pages.to_string(),
        ])
        .kill_on_drop(true)
        .output();
    let output = timeout(BROWSER, child)
        .await
        .map_err(|_| TimelineError::Browser(format!("it is not done after {} s", BROWSER.as_secs())))??;
    if !output.status.success() {
        return Err(TimelineError::Browser(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| TimelineError::Browser(error.to_string()))
}
