//! The timeline of a user with many events in a real browser: how fast it opens and whether it scrolls without long tasks.
//!
//! The app runs as a separate process with its stand-in for Amplitude, which is filled first. `end2end/bench/timeline.mjs`
//! drives Chromium and measures inside the page; this module prepares the data and reports the result.

mod report;
mod sample_events;

use std::net::SocketAddr;
use std::path::Path;

use backend::clock::Clock;
use backend::config::{AmplitudeConfig, Config, ConfigError};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tracking::UserId;

use crate::chromium::{self, ChromiumError};
use crate::ports;
pub use report::TimelineReport;

/// Events in one upload: the limit of `/batch`.
const UPLOAD: usize = 2_000;

/// The size of the timeline, and how often it is opened.
#[derive(Clone, Debug)]
pub struct TimelineSettings {
    /// Number of sessions.
    pub sessions: usize,
    /// Events in each session.
    pub each: usize,
    /// How often the page is opened.
    pub openings: u32,
    /// How many pages of earlier sessions are opened.
    pub pages: u32,
}

/// Measures `program`, the app, with the built front end in `site`; `scripts` is the `end2end` folder.
///
/// # Errors
/// When the app, an upload or the Chromium script fails. A slow timeline is no error: see [`TimelineReport::holds`].
pub async fn run(
    program: &Path,
    site: &Path,
    scripts: &Path,
    settings: &TimelineSettings,
) -> Result<TimelineReport, ChromiumError> {
    let folder = tempfile::tempdir()?;
    let client = http_browser::client()?;
    let collector = ports::find_free()?;
    let mut app = chromium::start_app(program, folder.path(), site, collector, &client).await?;
    let user = chromium::sign_up(&client, app.address).await?;
    let (sessions, each) = (settings.sessions, settings.each);
    let key = local_amplitude()?.api_key;
    upload_sample_events(&client, collector, &key, user, sessions, each).await?;
    let counts = [settings.openings, settings.pages].map(|count| count.to_string());
    let measured = chromium::run_script(scripts, "timeline.mjs", app.address, &counts).await?;
    app.check_running()?;
    Ok(TimelineReport {
        settings: settings.clone(),
        measured,
    })
}

/// Returns the configuration of local mode, whose keys the stand-in knows.
pub(crate) fn local_amplitude() -> Result<AmplitudeConfig, ConfigError> {
    let config = Config::read(|name| (name == "SEAMLINE_LOCAL").then(|| "1".to_owned()))?;
    Ok(config.amplitude)
}

/// Uploads sample events of a user to the collector: so many sessions with as many events in each.
pub(crate) async fn upload_sample_events(
    client: &Client,
    collector: SocketAddr,
    api_key: &SecretString,
    user: UserId,
    sessions: usize,
    each: usize,
) -> Result<(), reqwest::Error> {
    let now_ms = Clock::system().now_ms();
    let events: Vec<Value> = sample_events::sample_events(user, now_ms, sessions, each).collect();
    for events in events.chunks(UPLOAD) {
        client
            .post(format!("http://{collector}/batch"))
            .json(&json!({"api_key": api_key.expose_secret(), "events": events}))
            .send()
            .await?
            .error_for_status()?;
    }
    Ok(())
}
