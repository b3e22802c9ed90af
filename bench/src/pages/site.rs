//! The app of the pages benchmark with its stand-ins, each as a process of its own, and the browsers of its two visitors.
//!
//! The app reads from Amplitude as it does from a real project: a timeline is read once a minute.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use backend::config::AmplitudeConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_browser::Browser;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tracking::UserId;
use tracking::sdk_cookie::cookie_name;

use super::PagesError;
use crate::browser::new_browser;
use crate::process::Process;
use crate::programs::Programs;
use crate::{ports, timeline};

/// The questions of the signed-in user's polls.
const QUESTIONS: [&str; 3] = ["Lunch?", "Where do we meet?", "Which day suits you?"];
/// Sessions on the signed-in user's timeline, and events in each.
const SESSIONS: usize = 2;
const EVENTS_OF_SESSION: usize = 8;
/// The secret of the webhooks, of which there are none here.
const WEBHOOK_SECRET: &str = "whsec_pages";
/// Interval between two attempts to get the first page.
const COLD_START_INTERVAL: Duration = Duration::from_millis(1);
/// Longest start.
const COLD_START_TIMEOUT: Duration = Duration::from_secs(30);

/// The app, which is ready, and its stand-ins.
pub(super) struct PagesSite {
    pub(super) app: Process,
    client: Client,
    api_key: SecretString,
    collector: Process,
    _stripe: Process,
}

impl PagesSite {
    /// Starts all processes on an empty database. State and logs are in `folder`; `site` is the built front end.
    pub(super) async fn start(
        programs: &Programs,
        folder: &Path,
        site: &Path,
        database: &str,
        client: &Client,
    ) -> Result<Self, PagesError> {
        let AmplitudeConfig {
            api_key, secret_key, ..
        } = timeline::local_amplitude()?;
        let process = |name, program, ready_path| -> Result<Process, PagesError> {
            let address = ports::find_free()?;
            Ok(Process::new(name, program, address, ready_path, folder, client))
        };
        let state = |name: &str| folder.join(name).into_os_string();
        let mut collector = process("amplitude-local", &programs.collector, "/local/faults")?;
        let listen = collector.address.to_string().into();
        collector.arguments = vec!["--listen".into(), listen, "--state".into(), state("amplitude.db")];
        let mut stripe = process("stripe-local", &programs.stripe, "/_sim/clock")?;
        let mut app = process("seamline", &programs.app, "/readyz")?;
        stripe.arguments = vec![
            "--listen".into(),
            stripe.address.to_string().into(),
            "--state".into(),
            state("stripe.db"),
            "--webhook".into(),
            format!("http://{}/webhooks/stripe", app.address).into(),
            "--webhook-secret".into(),
            WEBHOOK_SECRET.into(),
            "--allow-release".into(),
        ];
        app.environment.extend::<[(&str, OsString); 15]>([
            ("LEPTOS_SITE_ADDR", app.address.to_string().into()),
            ("LEPTOS_SITE_ROOT", site.into()),
            ("DATABASE_URL", database.into()),
            ("DATA_DIR", folder.into()),
            ("AMPLITUDE_API_KEY", api_key.expose_secret().into()),
            (
                "AMPLITUDE_SECRET_KEY",
                secret_key.unwrap_or_default().expose_secret().into(),
            ),
            ("AMPLITUDE_URL", format!("http://{}", collector.address).into()),
            ("STRIPE_API_URL", format!("http://{}", stripe.address).into()),
            ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET.into()),
            ("SEAMLINE_LOCAL", "remote".into()),
            ("CONSENT_DEFAULT", "granted".into()),
            // No mail server: the mail of the sign-up waits in its queue.
            ("SMTP_URL", format!("smtp://{}", ports::find_free()?).into()),
            ("LIMIT_FACTOR", "100000".into()),
            ("TRUSTED_PROXIES", "127.0.0.1".into()),
            ("DRAIN_SECS", "0".into()),
        ]);
        for process in [&mut collector, &mut stripe, &mut app] {
            process.ensure_ready().await?;
        }
        Ok(Self {
            app,
            client: client.clone(),
            api_key,
            collector,
            _stripe: stripe,
        })
    }

    /// Stops the app and starts it again. Returns the ms from the start of the process to the first 200 of `/`.
    pub(super) async fn cold_start_ms(&mut self) -> Result<f64, PagesError> {
        self.app.terminate().await?;
        let home = format!("http://{}/", self.app.address);
        let started = Instant::now();
        self.app.spawn()?;
        loop {
            let answer = self.client.get(&home).send().await;
            if answer.is_ok_and(|answer| answer.status().as_u16() == 200) {
                return Ok(started.elapsed().as_secs_f64() * 1e3);
            }
            self.app.check_running()?;
            if started.elapsed() > COLD_START_TIMEOUT {
                return Err(PagesError::Timeout { path: "/" });
            }
            sleep(COLD_START_INTERVAL).await;
        }
    }

    /// Returns the browser of a visitor with the cookies of the site and of Amplitude's SDK.
    pub(super) async fn visitor(&self) -> Result<Browser, PagesError> {
        let mut browser = new_browser(&self.client, self.app.address, Ipv4Addr::new(10, 0, 0, 1));
        self.open_first_page(&mut browser).await?;
        Ok(browser)
    }

    /// Returns the browser of a user who has an account, polls and a timeline.
    pub(super) async fn user(&self) -> Result<Browser, PagesError> {
        let mut browser = new_browser(&self.client, self.app.address, Ipv4Addr::new(10, 0, 0, 2));
        self.open_first_page(&mut browser).await?;
        let account = [
            ("email", "ada@example.com"),
            ("password", "correct horse battery"),
        ];
        expect_redirect("/sign-up", browser.submit("/sign-up", &account).await?.status)?;
        for question in QUESTIONS {
            let poll = [("question", question), ("option", "Yes"), ("option", "No")];
            expect_redirect("/polls/new", browser.submit("/polls/new", &poll).await?.status)?;
        }
        let boot = browser.open("/polls").await?.embedded_json("boot");
        let boot = boot.unwrap_or_default();
        let user = boot["user"].as_str().and_then(UserId::parse);
        let user = user.ok_or(PagesError::NoUser)?;
        timeline::upload_sample_events(
            &self.client,
            self.collector.address,
            &self.api_key,
            user,
            SESSIONS,
            EVENTS_OF_SESSION,
        )
        .await?;
        Ok(browser)
    }

    async fn open_first_page(&self, browser: &mut Browser) -> Result<(), PagesError> {
        let boot = browser.open("/").await?.embedded_json("boot").unwrap_or_default();
        let key = boot["key"].as_str().unwrap_or_default();
        browser.set_cookie(
            &cookie_name(key),
            sdk_cookie(&boot["device"], &boot["session"], &boot["now"]),
        );
        Ok(())
    }
}

/// Returns the browser of a visitor of the peer, with the cookies of its site and one like that of Amplitude's SDK.
pub(super) async fn peer_visitor(client: &Client, site: SocketAddr) -> Result<Browser, PagesError> {
    let mut browser = new_browser(client, site, Ipv4Addr::new(10, 0, 0, 1));
    browser.open("/").await?;
    let device = json!("00000000-0000-4000-8000-000000000001");
    let cookie = sdk_cookie(
        &device,
        &json!(1_795_000_000_000_i64),
        &json!(1_795_000_000_000_i64),
    );
    browser.set_cookie(&cookie_name("0000000000"), cookie);
    Ok(browser)
}

/// Returns the value of the SDK's cookie after one event.
fn sdk_cookie(device: &Value, session: &Value, now_ms: &Value) -> String {
    let stored = json!({"deviceId": device, "sessionId": session, "lastEventTime": now_ms, "lastEventId": 1});
    STANDARD.encode(stored.to_string())
}

fn expect_redirect(path: &'static str, status: u16) -> Result<(), PagesError> {
    match status {
        303 => Ok(()),
        status => Err(PagesError::Answer { path, status }),
    }
}
