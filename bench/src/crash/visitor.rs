//! One visitor of the crash run: signs up, opens the polls, and may sign out and in again. After a lost answer the visitor
//! does what users do: loads the page again, or tries to sign in to see whether the sign-up succeeded. A visitor who gets 429
//! waits as long as the answer says, and sends the form again.

use std::time::Duration;

use fastrand::Rng;
use forms::FieldError;
use http_browser::{Browser, BrowserError, BrowserResponse};
use reqwest::StatusCode;
use tokio::sync::watch;
use tokio::time::sleep;

use super::CrashError;
use super::checks::SignedUpVisitor;

/// Number of answered requests that each visitor makes at least: the form's page, the form, the polls.
pub(super) const MIN_REQUESTS: u64 = 3;
/// Limit for sign-outs that are followed by a sign-in.
const MAX_SIGN_OUTS: usize = 2;
const PASSWORD: &str = "correct horse battery";

/// The progress that visitors and the disturbance share.
#[derive(Debug, Default)]
pub(super) struct VisitorProgress {
    /// Number of answered requests.
    pub(super) answered: watch::Sender<u64>,
    /// Number of requests without an answer.
    pub(super) lost: watch::Sender<u64>,
    /// Number of forms that were answered 429.
    pub(super) limited: watch::Sender<u64>,
    /// Whether the app is running and ready.
    pub(super) is_app_up: watch::Sender<bool>,
    /// Whether all visitors are done.
    pub(super) are_visitors_done: watch::Sender<bool>,
}

/// The result of a sign-up or sign-in form.
enum FormResult {
    SignedIn,
    EmailTaken,
    WrongCredentials,
    NoAnswer,
    /// Too many attempts, for instance six sign-ups with one address whose answers were lost.
    LimitExceeded {
        retry_after: Duration,
    },
}

/// A visitor who has not signed up yet.
pub(super) struct CrashVisitor<'a> {
    pub(super) browser: Browser,
    pub(super) email: String,
    pub(super) rng: Rng,
    pub(super) progress: &'a VisitorProgress,
}

impl CrashVisitor<'_> {
    /// Runs the visit to its end. Fails on an answer that a user would report as broken.
    pub(super) async fn run(mut self) -> Result<SignedUpVisitor, CrashError> {
        let page = self.open("/sign-up", StatusCode::OK).await?;
        let boot = page.embedded_json("boot").unwrap_or_default();
        let device = boot["device"].as_str().unwrap_or_default().to_owned();
        self.sign_up().await?;
        self.open("/polls", StatusCode::OK).await?;
        for _ in 0..self.rng.usize(..=MAX_SIGN_OUTS) {
            self.sign_out().await?;
            self.open("/sign-in", StatusCode::OK).await?;
            if !self.sign_in().await? {
                return Err(self.error("the correct password was rejected"));
            }
            self.open("/polls", StatusCode::OK).await?;
        }
        if self.rng.bool() {
            self.sign_out().await?;
            self.open("/polls", StatusCode::FOUND).await?;
        }
        Ok(SignedUpVisitor {
            email: self.email,
            device,
        })
    }

    async fn sign_up(&mut self) -> Result<(), CrashError> {
        loop {
            match self.submit_credentials("/sign-up").await? {
                FormResult::SignedIn => return Ok(()),
                FormResult::EmailTaken if self.sign_in().await? => return Ok(()),
                FormResult::EmailTaken => {
                    return Err(self.error("the address is taken, and the correct password was rejected"));
                }
                FormResult::WrongCredentials => return Err(self.error("sign-up reported wrong credentials")),
                FormResult::NoAnswer if self.rng.bool() && self.sign_in().await? => return Ok(()),
                FormResult::NoAnswer => {}
                FormResult::LimitExceeded { retry_after } => {
                    self.progress.limited.send_modify(|limited| *limited += 1);
                    sleep(retry_after).await;
                }
            }
        }
    }

    /// Signs in; returns `false` when the page reports wrong credentials.
    async fn sign_in(&mut self) -> Result<bool, CrashError> {
        loop {
            match self.submit_credentials("/sign-in").await? {
                FormResult::SignedIn => return Ok(true),
                FormResult::WrongCredentials => return Ok(false),
                FormResult::EmailTaken => return Err(self.error("sign-in reported a taken address")),
                FormResult::NoAnswer => {}
                FormResult::LimitExceeded { retry_after } => {
                    self.progress.limited.send_modify(|limited| *limited += 1);
                    sleep(retry_after).await;
                }
            }
        }
    }

    async fn sign_out(&mut self) -> Result<(), CrashError> {
        loop {
            let sent = self.browser.submit("/sign-out", &[]).await;
            if let Some(answer) = self.record_answer("/sign-out", sent).await? {
                let is_done = answer.status == StatusCode::SEE_OTHER && answer.location() == Some("/");
                return if is_done {
                    Ok(())
                } else {
                    Err(self.unexpected_answer("/sign-out", &answer))
                };
            }
        }
    }

    /// Loads a page until it is answered. Fails unless the answer has the expected status.
    async fn open(
        &mut self,
        path: &'static str,
        expected: StatusCode,
    ) -> Result<BrowserResponse, CrashError> {
        loop {
            let sent = self.browser.open(path).await;
            if let Some(answer) = self.record_answer(path, sent).await? {
                return if answer.status == expected {
                    Ok(answer)
                } else {
                    Err(self.unexpected_answer(path, &answer))
                };
            }
        }
    }

    async fn submit_credentials(&mut self, path: &'static str) -> Result<FormResult, CrashError> {
        let sent = self
            .browser
            .submit(path, &[("email", &self.email), ("password", PASSWORD)])
            .await;
        let Some(answer) = self.record_answer(path, sent).await? else {
            return Ok(FormResult::NoAnswer);
        };
        let shows = |error: FieldError| answer.text().contains(&error.to_string());
        let retry_after_secs = answer.header("retry-after").and_then(|secs| secs.parse().ok());
        match (answer.status, retry_after_secs) {
            (303, _) => Ok(FormResult::SignedIn),
            (422, _) if shows(FieldError::EmailTaken) => Ok(FormResult::EmailTaken),
            (422, _) if shows(FieldError::WrongCredentials) => Ok(FormResult::WrongCredentials),
            (429, Some(secs)) => Ok(FormResult::LimitExceeded {
                retry_after: Duration::from_secs(secs),
            }),
            _ => Err(self.unexpected_answer(path, &answer)),
        }
    }

    /// Counts the request and returns its answer. Returns `None` for a lost answer, after the app is up again.
    async fn record_answer(
        &mut self,
        path: &'static str,
        sent: Result<BrowserResponse, BrowserError>,
    ) -> Result<Option<BrowserResponse>, CrashError> {
        match sent {
            Ok(answer) if answer.status >= 500 => Err(self.unexpected_answer(path, &answer)),
            Ok(answer) => {
                self.progress.answered.send_modify(|answered| *answered += 1);
                Ok(Some(answer))
            }
            Err(_) => {
                self.progress.lost.send_modify(|lost| *lost += 1);
                // The sender outlives every visitor.
                let _ = self.progress.is_app_up.subscribe().wait_for(|is_up| *is_up).await;
                Ok(None)
            }
        }
    }

    fn unexpected_answer(&self, path: &'static str, answer: &BrowserResponse) -> CrashError {
        let location = answer.location().unwrap_or_default();
        self.error(&format!("{path} was answered {} {location}", answer.status))
    }

    fn error(&self, problem: &str) -> CrashError {
        CrashError::Visitor {
            email: self.email.clone(),
            problem: problem.to_owned(),
        }
    }
}
