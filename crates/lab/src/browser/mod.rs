//! The scripted browser: an [`http_browser::Browser`], and what `public/seam.js` and Amplitude's SDK do in it. It sends page
//! views, clicks and confirmed events through the ingest route, with the IDs and the time of the document, and repeats what
//! did not arrive.

mod boot;
mod sdk;

use std::time::Duration;

use backend::clock::Clock;
use backend::{dates, ids};
use http::HeaderValue;
use http::header::USER_AGENT;
use http_browser::{Browser, BrowserResponse};
use serde_json::{Map, Value, json};
use tracking::sdk_cookie::cookie_name;

use crate::environment::LabEnvironment;
use crate::error::ScenarioError;
use boot::BootData;
use sdk::{LAB_USER_AGENT, PAGE_VIEWED, SdkEvent, SdkState};

/// How long the script waits for an upload before the page is left.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(500);

/// A browser of the scripted user.
pub(crate) struct ScriptedBrowser {
    browser: Browser,
    public_key: String,
    clock: Clock,
    /// How far its clock is ahead, in ms.
    clock_ahead_ms: i64,
    /// `None`: the SDK is blocked.
    sdk: Option<SdkState>,
}

/// A page that was opened.
pub(crate) struct OpenedPage {
    response: BrowserResponse,
    boot: BootData,
}

impl OpenedPage {
    /// ID of the signed-in user.
    pub(crate) fn user(&self) -> Option<&str> {
        self.boot.user()
    }

    /// ID of the first poll that the page links to.
    pub(crate) fn first_poll(&self) -> Result<String, ScenarioError> {
        let links = self.response.links();
        let poll = links.iter().find_map(|link| link.strip_prefix("/p/"));
        let poll = poll.map(str::to_owned);
        poll.ok_or_else(|| ScenarioError::UnexpectedPage(format!("{} lists no poll", self.path())))
    }

    /// The hidden ID of its form.
    pub(crate) fn form_id(&self) -> Result<String, ScenarioError> {
        let id = self.response.hidden_field("form");
        id.ok_or_else(|| ScenarioError::UnexpectedPage(format!("{} has no form with an ID", self.path())))
    }

    fn path(&self) -> &str {
        self.response.url.path()
    }
}

impl ScriptedBrowser {
    /// A browser without cookies.
    pub(crate) fn new(environment: &LabEnvironment, clock_ahead_ms: i64, blocks_sdk: bool) -> Self {
        let mut browser = Browser::new(&environment.client, &environment.site);
        browser.set_header(USER_AGENT, HeaderValue::from_static(LAB_USER_AGENT));
        Self {
            browser,
            public_key: environment.public_key.clone(),
            clock: environment.backend.clock.clone(),
            clock_ahead_ms,
            sdk: (!blocks_sdk).then(SdkState::default),
        }
    }

    /// Opens a page of the app, follows redirects, and runs the page's script.
    pub(crate) async fn open(&mut self, path: &str) -> Result<OpenedPage, ScenarioError> {
        let response = self.browser.open_and_follow(path).await?;
        if !response.is_success() {
            return Err(ScenarioError::UnexpectedStatus {
                request: response.url.path().to_owned(),
                status: response.status,
            });
        }
        let since_headers = i64::try_from(response.headers_at.elapsed().as_millis()).unwrap_or(i64::MAX);
        let headers_at_ms = self.now_ms().saturating_sub(since_headers);
        let boot = response.embedded_json("boot");
        let boot = boot
            .and_then(|value| BootData::new(value, headers_at_ms))
            .ok_or_else(|| {
                ScenarioError::UnexpectedPage(format!("{} has no boot data", response.url.path()))
            })?;
        let page = OpenedPage { response, boot };
        self.run_script(&page).await?;
        Ok(page)
    }

    /// Submits a form without script. Returns the redirect's target.
    pub(crate) async fn submit(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<String, ScenarioError> {
        let response = self.browser.submit(path, fields).await?;
        let location = response.location().map(str::to_owned);
        location.ok_or_else(|| ScenarioError::UnexpectedStatus {
            request: format!("the form of {path}"),
            status: response.status,
        })
    }

    /// Submits a form, and opens the page that it redirects to.
    pub(crate) async fn submit_and_follow(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<OpenedPage, ScenarioError> {
        let location = self.submit(path, fields).await?;
        self.open(&location).await
    }

    /// A click that the page tracks under this insert ID. Then the script waits for the upload, as before the page is left.
    pub(crate) async fn click(
        &mut self,
        page: &OpenedPage,
        event: impl Into<tracking::ClientEvent>,
        insert_id: &str,
    ) -> Result<(), ScenarioError> {
        let event = event.into();
        let event = SdkEvent {
            name: event.name(),
            properties: event.properties(),
            insert_id,
            time_ms: self.now_ms(),
            session: None,
        };
        self.track(page, event);
        self.flush_before_leaving().await
    }

    /// Uploads the events that have not arrived. Returns whether all have arrived; `false` if the upload has to be repeated.
    pub(crate) async fn flush(&mut self) -> Result<bool, ScenarioError> {
        let Some(sdk) = self.sdk.as_ref().filter(|sdk| !sdk.unsent().is_empty()) else {
            return Ok(true);
        };
        let count = sdk.unsent().len();
        let batch = json!({
            "api_key": self.public_key,
            "events": sdk.unsent(),
            "options": {"min_id_length": 1},
            "client_upload_time": dates::instant(self.now_ms()),
        });
        let response = self.browser.post_json("/ingest", &batch).await?;
        match response.status {
            200 => {
                let arrived = self.sdk.as_mut().map_or_else(Vec::new, |sdk| sdk.arrived(count));
                for insert_id in arrived.iter().filter_map(|event| event["insert_id"].as_str()) {
                    let name = format!("seam_confirmed.{}", insert_id.replace(':', "."));
                    self.browser.remove_cookie(&name);
                }
                Ok(true)
            }
            // The SDK sends them again.
            408 | 429 | 500..=599 => Ok(false),
            _ => Err(ScenarioError::UploadRefused(response.text())),
        }
    }

    async fn flush_before_leaving(&mut self) -> Result<(), ScenarioError> {
        match tokio::time::timeout(LEAVE_TIMEOUT, self.flush()).await {
            Ok(flushed) => flushed.map(drop),
            // The events stay queued and are sent again with the same insert IDs.
            Err(_) => Ok(()),
        }
    }

    /// What `seam.js` and the SDK do on a document.
    async fn run_script(&mut self, page: &OpenedPage) -> Result<(), ScenarioError> {
        let boot = &page.boot;
        let Some((device, session)) = boot.tracked_ids() else {
            return Ok(());
        };
        // The page's own script measures the clock, also when the SDK is blocked.
        self.browser
            .set_cookie("seam_clock", boot.clock_ahead_ms.to_string());
        let now_ms = self.now_ms();
        let Some(sdk) = &mut self.sdk else { return Ok(()) };
        if sdk.begins_session(device, session) {
            // The session has the server's time, which needs no correction.
            let start_ms = session + boot.correction_ms();
            self.track(
                page,
                own_event("session_start", Map::new(), &insert_id(), start_ms),
            );
        }
        let path = Map::from_iter([("[Amplitude] Page Path".to_owned(), Value::from(page.path()))]);
        self.track(page, own_event(PAGE_VIEWED, path, &insert_id(), now_ms));
        for event in boot.confirmed() {
            let time_ms = event.time_ms.map(|time_ms| boot.by_browser_clock(time_ms));
            let event = SdkEvent {
                name: event.name,
                properties: event.properties,
                insert_id: event.insert_id,
                time_ms: time_ms.unwrap_or(now_ms),
                session: event.session,
            };
            self.track(page, event);
        }
        self.flush_before_leaving().await
    }

    /// Queues an event and updates the SDK's cookie, unless the SDK is blocked.
    fn track(&mut self, page: &OpenedPage, event: SdkEvent<'_>) {
        let now_ms = self.now_ms();
        let Some(sdk) = &mut self.sdk else { return };
        sdk.queue(&page.boot, event);
        if let Some(value) = sdk::cookie_value(&page.boot, now_ms) {
            self.browser.set_cookie(&cookie_name(&self.public_key), value);
        }
    }

    /// By its own clock, in ms since the epoch.
    fn now_ms(&self) -> i64 {
        self.clock.now_ms() + self.clock_ahead_ms
    }
}

fn own_event<'a>(
    name: &'a str,
    properties: Map<String, Value>,
    insert_id: &'a str,
    time_ms: i64,
) -> SdkEvent<'a> {
    SdkEvent {
        name,
        properties,
        insert_id,
        time_ms,
        session: None,
    }
}

fn insert_id() -> String {
    ids::random().to_string()
}
