//! The mixed load. Users open pages and vote without pauses; customers sign up and start a trial at an even rate; Stripe's
//! webhooks are posted when its stand-in has created them; pages with event streams stay open. A request that fails is
//! counted; votes and webhooks are repeated until they are accepted.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use http_browser::Browser;
use reqwest::Client;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::samples::{LoadKind, LoadRecorder};
use super::{ScaleError, ScaleSettings};
use crate::browser::new_browser;
use crate::crash::checks::SignedUpVisitor;
use crate::crash::trials::customer::TrialCustomer;
use crate::crash::trials::stripe::StripeDashboard;
use crate::sign_up::{SignUpError, open_sign_up_page, sign_up};
use crate::votes::{LivePage, Participant, VotesError};
use crate::webhooks::{has_effect, post_webhook};

/// Pause after a failed request.
const ERROR_PAUSE: Duration = Duration::from_millis(100);
/// Pause of a browser before it opens an ended event stream again.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);
/// Pause before Stripe's list of events is read again.
const EVENTS_PAUSE: Duration = Duration::from_millis(100);
/// Webhooks that are posted at the same time.
const CONCURRENT_WEBHOOKS: usize = 16;
/// Pages that a user opens before each vote.
const PAGES: [&str; 2] = ["/", "/pricing"];

/// What all loads share.
#[derive(Clone)]
pub(super) struct LoadTarget {
    pub(super) client: Client,
    /// The address of nginx.
    pub(super) site: SocketAddr,
    /// The IDs of the polls.
    pub(super) polls: Arc<[String]>,
    pub(super) recorder: LoadRecorder,
    /// Ends the load; each request is finished, and each vote and webhook is repeated until it is accepted.
    pub(super) stop: CancellationToken,
}

/// What was acknowledged.
pub(super) struct LoadResult {
    pub(super) voters: Vec<Participant>,
    pub(super) signed_up: Vec<SignedUpVisitor>,
    /// Completed pages of Stripe.
    pub(super) trials: usize,
    /// Accepted webhooks.
    pub(super) webhooks: usize,
}

/// Runs users, customers and webhooks until `target.stop`.
pub(super) async fn run(
    target: &LoadTarget,
    settings: &ScaleSettings,
    dashboard: &StripeDashboard,
    owners: &[Browser],
) -> Result<LoadResult, ScaleError> {
    let no_customers = CancellationToken::new();
    let customers = async {
        let result = run_customers(target, settings.sign_ups_per_second).await;
        no_customers.cancel();
        result
    };
    let (voters, (signed_up, trials), webhooks) = tokio::join!(
        run_users(target, settings, owners),
        customers,
        run_webhooks(target, dashboard, &no_customers),
    );
    Ok(LoadResult {
        voters,
        signed_up,
        trials,
        webhooks: webhooks?,
    })
}

/// Runs the users, each with a share of the voters and the browser of an owner.
async fn run_users(target: &LoadTarget, settings: &ScaleSettings, owners: &[Browser]) -> Vec<Participant> {
    let mut shares: Vec<Vec<Participant>> = (0..settings.users).map(|_| Vec::new()).collect();
    let polls = target.polls.iter().cycle();
    for ((number, poll), user) in (0..settings.voters).zip(polls).zip((0..shares.len()).cycle()) {
        shares[user].push(Participant::new(&target.client, target.site, poll, number));
    }
    let users: JoinSet<_> = shares
        .into_iter()
        .zip(owners.iter().cycle())
        .map(|(share, owner)| run_user(target.clone(), share, owner.clone()))
        .collect();
    users.join_all().await.into_iter().flatten().collect()
}

/// Opens pages and votes, each time as the next voter. The last page before a vote is a signed-in one.
async fn run_user(target: LoadTarget, mut voters: Vec<Participant>, mut owner: Browser) -> Vec<Participant> {
    let recorder = &target.recorder;
    while !target.stop.is_cancelled() && !voters.is_empty() {
        for voter in &mut voters {
            if target.stop.is_cancelled() {
                break;
            }
            for page in PAGES {
                recorder.record(LoadKind::Document, open(&mut voter.browser, page).await);
            }
            recorder.record(LoadKind::Document, open(&mut owner, "/polls").await);
            let is_known = voter.has_voted();
            // Without the poll's page a new voter has no cookie.
            while recorder
                .record(LoadKind::Document, timed(voter.open_page()).await)
                .is_none()
                && !is_known
            {
                sleep(ERROR_PAUSE).await;
            }
            while recorder
                .record(LoadKind::Vote, voter.vote().await.map(|us| (us, ())))
                .is_none()
            {
                sleep(ERROR_PAUSE).await;
            }
        }
    }
    voters
}

async fn open(browser: &mut Browser, path: &'static str) -> Result<(f64, ()), VotesError> {
    timed(async {
        match browser.open(path).await?.status {
            200 => Ok(()),
            status => Err(VotesError::Answer {
                request: path,
                status,
            }),
        }
    })
    .await
}

/// Starts customers at an even rate. Returns those whose sign-up was acknowledged, and the number of trials.
async fn run_customers(target: &LoadTarget, per_second: u32) -> (Vec<SignedUpVisitor>, usize) {
    let mut customers = JoinSet::new();
    let gap = Duration::from_secs(1) / per_second.max(1);
    let mut number = 0;
    while per_second > 0 && target.stop.run_until_cancelled(sleep(gap)).await.is_some() {
        customers.spawn(run_customer(target.clone(), number));
        number += 1;
    }
    let results = customers.join_all().await;
    let trials = results.iter().filter(|(_, has_trial)| *has_trial).count();
    let signed_up = results.into_iter().filter_map(|(visitor, _)| visitor);
    (signed_up.collect(), trials)
}

/// Signs up, orders a trial and completes Stripe's page. A customer who gets an error gives up.
async fn run_customer(target: LoadTarget, number: u32) -> (Option<SignedUpVisitor>, bool) {
    let recorder = &target.recorder;
    let email = format!("customer-{number}@example.com");
    // Addresses for tests (RFC 2544), one for each customer.
    let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)).saturating_add(number));
    let mut browser = new_browser(&target.client, target.site, address);
    let page = timed(open_sign_up_page(&mut browser, true)).await;
    let Some(page) = recorder.record(LoadKind::Document, page) else {
        return (None, false);
    };
    let boot = page.embedded_json("boot").unwrap_or_default();
    let device = boot["device"].as_str().unwrap_or_default().to_owned();
    let signed_up: Result<_, SignUpError> = sign_up(&mut browser, &email).await.map(|us| (us, ()));
    if recorder.record(LoadKind::SignUp, signed_up).is_none() {
        return (None, false);
    }
    let visitor = SignedUpVisitor {
        email: email.clone(),
        device,
    };
    let (_up, is_up) = watch::channel(true);
    let mut customer = TrialCustomer::new(browser, email, is_up);
    let has_ordered = recorder.record(LoadKind::Trial, timed(customer.order()).await);
    let has_trial = has_ordered.is_some() && customer.complete().await.is_ok();
    (Some(visitor), has_trial)
}

/// Posts the events of the stand-in for Stripe that have an effect, until no customer is left and all are
/// accepted. Returns their number.
async fn run_webhooks(
    target: &LoadTarget,
    dashboard: &StripeDashboard,
    no_customers: &CancellationToken,
) -> Result<usize, ScaleError> {
    let url = format!("http://{}/webhooks/stripe", target.site);
    let (mut accepted, mut known) = (0, None::<String>);
    loop {
        // Before the list is read: it is complete afterwards.
        let is_last = no_customers.is_cancelled();
        let events = dashboard.events_after(known.as_deref()).await?;
        let Some(newest) = events.last() else {
            if is_last {
                return Ok(accepted);
            }
            sleep(EVENTS_PAUSE).await;
            continue;
        };
        known = newest["id"].as_str().map(str::to_owned);
        let webhooks: Vec<&Value> = events.iter().filter(|event| has_effect(event)).collect();
        stream::iter(&webhooks)
            .for_each_concurrent(CONCURRENT_WEBHOOKS, |event| {
                post_until_accepted(target, &url, event)
            })
            .await;
        accepted += webhooks.len();
    }
}

async fn post_until_accepted(target: &LoadTarget, url: &str, event: &Value) {
    let body = event.to_string();
    while target
        .recorder
        .record(
            LoadKind::Webhook,
            post_webhook(&target.client, url, &body).await.map(|us| (us, ())),
        )
        .is_none()
    {
        sleep(ERROR_PAUSE).await;
    }
}

/// A page with an event stream, which is opened again when it ends.
#[derive(Clone)]
pub(super) struct StreamPage {
    pub(super) poll: String,
    page: Arc<Mutex<Option<LivePage>>>,
}

impl StreamPage {
    /// The page of a poll, not opened yet.
    pub(super) fn new(poll: &str) -> Self {
        Self {
            poll: poll.to_owned(),
            page: Arc::default(),
        }
    }

    /// Returns the number of changes of the poll that the page shows.
    pub(super) fn changes(&self) -> Option<i64> {
        let page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        page.as_ref().and_then(LivePage::changes)
    }

    /// Keeps the page open until `closed`, which is later than `target.stop`.
    pub(super) async fn run(self, target: LoadTarget, closed: CancellationToken) {
        while !closed.is_cancelled() {
            let opened = timed(LivePage::open(target.site, &self.poll)).await;
            let Some(mut page) = target.recorder.record(LoadKind::Stream, opened) else {
                sleep(ERROR_PAUSE).await;
                continue;
            };
            *self.page.lock().unwrap_or_else(PoisonError::into_inner) = Some(page.clone());
            if closed.run_until_cancelled(page.closed()).await.is_some() {
                target.recorder.record_closed_stream();
                sleep(REOPEN_PAUSE).await;
            }
        }
    }
}

/// Returns the µs of a request with its result.
async fn timed<T, E>(request: impl Future<Output = Result<T, E>>) -> Result<(f64, T), E> {
    let started = Instant::now();
    let value = request.await?;
    Ok((started.elapsed().as_secs_f64() * 1e6, value))
}
