//! A pretend browser: it keeps cookies, opens pages, and sends forms as they are sent without script. Where its script is
//! not blocked, it also does what `public/seam.js` and Amplitude's SDK do: it tells of page views, clicks and confirmed
//! events through the ingest route, under the IDs and the time that the document gives it, and keeps what did not arrive for
//! another try.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use backend::{dates, ids};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cookie::Cookie;
use reqwest::{RequestBuilder, Response};
use serde_json::{Map, Value, json};
use tracking::sdk_cookie::cookie_name;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::stage::{APP, Stage, Trouble};

/// What a navigation accepts.
const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// What it calls itself: a browser, as far as anybody can tell, and honest for whoever reads on.
const USER_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 (Seamline disturbance lab)";

/// Redirects that are followed, one after another.
const MOST_REDIRECTS: usize = 5;

/// As long as the script waits for what was tracked, before it lets the page be left.
const LEAVING: Duration = Duration::from_millis(500);

/// Below and above these the script leaves the clock alone (`public/seam.js`).
const CORRECTED_MS: std::ops::RangeInclusive<i64> = 1_000..=60_000;

/// See the module.
pub(super) struct Browser {
    stage: Stage,
    cookies: BTreeMap<String, String>,
    /// How far its clock is ahead of ours.
    clock_ahead_ms: i64,
    /// `None`: blocked.
    sdk: Option<Sdk>,
}

/// The SDK's memory.
#[derive(Default)]
struct Sdk {
    /// Events that have not arrived yet, the oldest first.
    unsent: Vec<Value>,
    /// Device and session whose start was told last.
    begun: Option<(String, i64)>,
    /// Insert IDs of what documents told it to fire and has not arrived.
    confirmed: BTreeSet<String>,
    /// Counts events.
    events: u64,
}

/// A page that was opened.
pub(super) struct Page {
    text: String,
    boot: Boot,
    /// The address that it has in the end.
    path: String,
}

/// What the document tells the script.
#[derive(Clone)]
struct Boot {
    value: Value,
    /// The browser's clock minus the server's, as the script measures it.
    ahead_ms: i64,
}

impl Boot {
    fn text(&self, key: &str) -> Option<&str> {
        self.value[key].as_str()
    }

    /// A moment of the server's, by the browser's clock: whoever corrects that, the script or Amplitude, corrects it too.
    fn by_own_clock(&self, server_ms: i64) -> i64 {
        match self.ahead_ms.abs() < *CORRECTED_MS.start() {
            true => server_ms,
            false => server_ms + self.ahead_ms,
        }
    }

    /// What is taken off each event's time.
    fn correction_ms(&self) -> i64 {
        if CORRECTED_MS.contains(&self.ahead_ms.abs()) {
            self.ahead_ms
        } else {
            0
        }
    }
}

impl Page {
    /// Who is signed in there.
    pub(super) fn user(&self) -> Option<&str> {
        self.boot.text("user")
    }

    /// The first poll of a list.
    pub(super) fn poll(&self) -> Result<String, Trouble> {
        let links = self.text.split("href=\"/p/").skip(1);
        let mut ids = links.filter_map(|rest| rest.split('"').next());
        ids.next()
            .map(str::to_owned)
            .ok_or_else(|| Trouble::Page(format!("{} lists no poll", self.path)))
    }

    /// The hidden ID of its form.
    pub(super) fn form(&self) -> Result<String, Trouble> {
        let value = self.text.split("name=\"form\"").nth(1);
        let value = value.and_then(|rest| rest.split("value=\"").nth(1));
        let value = value.and_then(|rest| rest.split('"').next());
        value
            .map(str::to_owned)
            .ok_or_else(|| Trouble::Page(format!("{} has no form with an ID", self.path)))
    }
}

impl Browser {
    /// One that has never been here.
    pub(super) fn new(stage: &Stage, clock_ahead_ms: i64, sdk_is_blocked: bool) -> Self {
        Self {
            stage: stage.clone(),
            cookies: BTreeMap::new(),
            clock_ahead_ms,
            sdk: (!sdk_is_blocked).then(Sdk::default),
        }
    }

    /// Opens a page of ours, and follows its redirects; then its script runs.
    pub(super) async fn open(&mut self, path: &str) -> Result<Page, Trouble> {
        let mut url = self.url(path)?;
        for _ in 0..=MOST_REDIRECTS {
            let request = self.stage.client.get(url.clone()).header("accept", HTML);
            let answer = self.send(request.header("sec-fetch-site", "same-origin")).await?;
            // The document's first byte: the script measures the clock by it.
            let here_ms = self.now_ms();
            if answer.status().is_redirection() {
                url = url
                    .join(location(&answer))
                    .map_err(|_| Trouble::Page(format!("{path} leads to no URL")))?;
                continue;
            }
            if !answer.status().is_success() {
                return Err(Trouble::Answer {
                    what: path.to_owned(),
                    status: answer.status().as_u16(),
                });
            }
            let text = answer.text().await.map_err(unreachable)?;
            let page = Page {
                boot: boot_of(&text, here_ms)
                    .ok_or_else(|| Trouble::Page(format!("{path} has no boot data")))?,
                text,
                path: url.path().to_owned(),
            };
            self.run_script(&page).await?;
            return Ok(page);
        }
        Err(Trouble::Page(format!("{path} leads round in circles")))
    }

    /// Sends a form without script, and tells where its answer leads.
    pub(super) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<String, Trouble> {
        let request = self
            .stage
            .client
            .post(self.url(path)?)
            .header("accept", HTML)
            .form(fields);
        let answer = self.send(self.as_our_page_does(request)).await?;
        if !answer.status().is_redirection() {
            return Err(Trouble::Answer {
                what: format!("the form of {path}"),
                status: answer.status().as_u16(),
            });
        }
        Ok(location(&answer).to_owned())
    }

    /// Sends a form, and opens the page that it leads to.
    pub(super) async fn submit_and_follow(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Page, Trouble> {
        let led_to = self.submit(path, fields).await?;
        self.open(&led_to).await
    }

    /// A click that the page tracks, under this insert ID; then it waits, as before it is left.
    pub(super) async fn click(
        &mut self,
        page: &Page,
        event: impl Into<tracking::ClientEvent>,
        insert_id: &str,
    ) -> Result<(), Trouble> {
        let event = event.into();
        let now_ms = self.now_ms();
        self.track(page, event.name(), event.properties(), insert_id, now_ms, None);
        self.settle().await
    }

    /// Sends what has not arrived, as long as the page may wait for it.
    async fn settle(&mut self) -> Result<(), Trouble> {
        match tokio::time::timeout(LEAVING, self.flush()).await {
            Ok(flushed) => flushed.map(drop),
            // What was under way goes again, under the same insert IDs.
            Err(_) => Ok(()),
        }
    }

    /// Sends what has not arrived. Whether nothing is left to send.
    pub(super) async fn flush(&mut self) -> Result<bool, Trouble> {
        let Some(sdk) = self.sdk.as_ref().filter(|sdk| !sdk.unsent.is_empty()) else {
            return Ok(true);
        };
        let sent = sdk.unsent.len();
        let batch = json!({
            "api_key": self.stage.public_key,
            "events": sdk.unsent,
            "options": {"min_id_length": 1},
            "client_upload_time": dates::instant(self.now_ms()),
        });
        let request = self.stage.client.post(self.url("/ingest")?).json(&batch);
        let answer = self.send(self.as_our_page_does(request)).await?;
        match answer.status().as_u16() {
            200 => {
                let Some(sdk) = &mut self.sdk else { return Ok(true) };
                sdk.unsent.drain(..sent);
                // They were all told by documents, and all of them have gone with this upload.
                if !std::mem::take(&mut sdk.confirmed).is_empty() {
                    self.cookies.remove("seam_confirmed");
                }
                Ok(true)
            }
            // The SDK tries again.
            408 | 429 | 500..=599 => Ok(false),
            _ => Err(Trouble::Refused(answer.text().await.unwrap_or_default())),
        }
    }

    /// What `seam.js` and the SDK do on a document.
    async fn run_script(&mut self, page: &Page) -> Result<(), Trouble> {
        let boot = &page.boot;
        let tracks = boot.value["tracking"] == true;
        let (Some(device), Some(session)) = (boot.text("device"), boot.value["session"].as_i64()) else {
            return Ok(());
        };
        if !tracks {
            return Ok(());
        }
        // The page's own script measures the clock, whether the SDK is blocked or not.
        self.cookies
            .insert("seam_clock".to_owned(), boot.ahead_ms.to_string());
        let Some(sdk) = &mut self.sdk else { return Ok(()) };
        let here = (device.to_owned(), session);
        let begins = sdk.begun.as_ref() != Some(&here);
        sdk.begun = Some(here);
        let now_ms = self.now_ms();
        if begins {
            // At the session's own time, which is the server's and needs no correction.
            let time = session + boot.correction_ms();
            self.track(page, "session_start", Map::new(), &insert_id(), time, None);
        }
        self.track(page, PAGE_VIEWED, viewed(page), &insert_id(), now_ms, None);
        let confirmed = boot.value["confirmed"].as_array().cloned().unwrap_or_default();
        for event in &confirmed {
            let (Some(name), Some(insert_id)) = (event["name"].as_str(), event["insertId"].as_str()) else {
                continue;
            };
            let properties = event["properties"].as_object().cloned().unwrap_or_default();
            let time = event["time"].as_i64();
            let time = time.map_or(now_ms, |time| boot.by_own_clock(time));
            let session = event["session"].as_i64();
            if let Some(sdk) = &mut self.sdk {
                sdk.confirmed.insert(insert_id.to_owned());
            }
            self.track(page, name, properties, insert_id, time, session);
        }
        self.settle().await
    }

    fn track(
        &mut self,
        page: &Page,
        name: &str,
        properties: Map<String, Value>,
        insert_id: &str,
        time_ms: i64,
        session: Option<i64>,
    ) {
        let (boot, now_ms) = (&page.boot, self.now_ms());
        let Some(sdk) = &mut self.sdk else { return };
        let known = |event: &Value| event["insert_id"] == insert_id;
        if sdk.unsent.iter().any(known) {
            // It is told by each document until it has arrived.
            return;
        }
        let session = session.map_or_else(|| boot.value["session"].clone(), Into::into);
        sdk.events += 1;
        let mut event = json!({
            "event_type": name,
            "device_id": boot.value["device"],
            "session_id": session,
            "time": time_ms - boot.correction_ms(),
            "insert_id": insert_id,
            "event_id": sdk.events,
            "platform": "Web",
            "language": "en-GB",
            "ip": "$remote",
            "library": "amplitude-ts/2.48.1",
            "user_agent": USER_AGENT,
            "event_properties": properties,
        });
        if let Some(user) = boot.text("user") {
            event["user_id"] = user.into();
        }
        sdk.unsent.push(event);
        let cookie = json!({
            "deviceId": boot.value["device"],
            "userId": boot.value["user"],
            "sessionId": boot.value["session"],
            "lastEventTime": now_ms,
            "optOut": false,
        });
        let escaped: String = byte_serialize(cookie.to_string().as_bytes()).collect();
        let name = cookie_name(&self.stage.public_key);
        self.cookies.insert(name, STANDARD.encode(escaped));
    }

    /// By its own clock.
    fn now_ms(&self) -> i64 {
        self.stage.backend.clock.now_ms() + self.clock_ahead_ms
    }

    fn url(&self, path: &str) -> Result<Url, Trouble> {
        let url = self.stage.site.join(path);
        url.map_err(|_| Trouble::Page(format!("{path} is no path of ours")))
    }

    fn as_our_page_does(&self, request: RequestBuilder) -> RequestBuilder {
        request
            .header("origin", self.stage.site.origin().ascii_serialization())
            .header("sec-fetch-site", "same-origin")
    }

    /// Sends it with the cookies, and keeps those of the answer.
    async fn send(&mut self, request: RequestBuilder) -> Result<Response, Trouble> {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = request.header("user-agent", USER_AGENT);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let answer = request.send().await.map_err(unreachable)?;
        for set in answer.headers().get_all("set-cookie") {
            let Some(cookie) = set.to_str().ok().and_then(|text| Cookie::parse(text).ok()) else {
                continue;
            };
            if cookie.max_age().is_some_and(|age| age <= time::Duration::ZERO) {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies
                    .insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        Ok(answer)
    }
}

/// The SDK's own name for it; the tracking plan has only ours.
pub(super) const PAGE_VIEWED: &str = "[Amplitude] Page Viewed";

fn viewed(page: &Page) -> Map<String, Value> {
    Map::from_iter([("[Amplitude] Page Path".to_owned(), page.path.as_str().into())])
}

fn insert_id() -> String {
    ids::random().to_string()
}

fn location(answer: &Response) -> &str {
    let value = answer.headers().get("location");
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn boot_of(text: &str, here_ms: i64) -> Option<Boot> {
    let (_, rest) = text.split_once(r#"id="boot">"#)?;
    let (json, _) = rest.split_once("</script>")?;
    let value: Value = serde_json::from_str(json).ok()?;
    let ahead_ms = here_ms - value["now"].as_i64()?;
    Some(Boot { value, ahead_ms })
}

fn unreachable(error: reqwest::Error) -> Trouble {
    Trouble::Unreachable {
        who: APP,
        error: error.without_url(),
    }
}
