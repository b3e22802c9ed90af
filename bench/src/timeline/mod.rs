//! The timeline of somebody with a long story, in a real browser: how it opens, and whether it stutters.
//!
//! The app runs as a process of its own, with its stand-in for Amplitude, which is filled first. Chromium is driven by
//! `end2end/bench/timeline.mjs`, which measures inside the page; this makes a report of what it says.

mod fill;
mod report;

use std::net::SocketAddr;
use std::path::Path;

use backend::clock::Clock;
use backend::config::Config;
use reqwest::Client;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tracking::UserId;

use crate::demo::{self, DemoError};
use crate::{browser, ports};
pub use report::Report;

/// Events of one upload, the most that `/batch` takes.
const UPLOAD: usize = 2_000;

/// How long a story, and how often it is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sessions.
    pub sessions: usize,
    /// Events in each.
    pub each: usize,
    /// How often the page is opened.
    pub openings: u32,
    /// How many pages of earlier sessions are opened.
    pub pages: u32,
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
) -> Result<Report, DemoError> {
    let folder = tempfile::tempdir()?;
    let client = browser::client()?;
    let collector = ports::free()?;
    let mut app = demo::start(program, folder.path(), site, collector, &client).await?;
    let user = demo::sign_up(&client, app.address).await?;
    fill(&client, collector, user, settings).await?;
    let counts = [settings.openings, settings.pages].map(|count| count.to_string());
    let measured = demo::drive(scripts, "timeline.mjs", app.address, &counts).await?;
    app.is_alive()?;
    Ok(Report {
        settings: settings.clone(),
        measured,
    })
}

async fn fill(
    client: &Client,
    collector: SocketAddr,
    user: UserId,
    settings: &Settings,
) -> Result<(), DemoError> {
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
