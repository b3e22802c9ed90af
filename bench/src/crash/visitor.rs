//! One visitor's story: sign up, look at the polls, perhaps sign out and in again. When an answer is lost they do what
//! people do: load the page again, or try to sign in to see whether it worked.

use fastrand::Rng;
use forms::FieldError;
use reqwest::StatusCode;
use tokio::sync::watch;

use super::CrashError;
use super::verdict;
use crate::browser::{Answer, Browser};

/// Requests that every visitor is sure to have answered: the form's page, the form, the polls.
pub(super) const LEAST_REQUESTS: u64 = 3;
/// More rounds of signing out and in again than this nobody makes.
const MOST_ROUNDS: usize = 2;
const PASSWORD: &str = "correct horse battery";

/// What visitors and those who break things know of each other.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Requests answered so far.
    pub(super) answered: watch::Sender<u64>,
    /// Requests whose answer never came.
    pub(super) lost: watch::Sender<u64>,
    /// Whether the app is there.
    pub(super) is_up: watch::Sender<bool>,
    /// Whether every visitor is done.
    pub(super) is_over: watch::Sender<bool>,
}

/// What came of posting a form.
enum Told {
    Welcome,
    Taken,
    WrongCredentials,
    Nothing,
}

pub(super) struct Story<'a> {
    pub(super) browser: Browser,
    pub(super) email: String,
    pub(super) rng: Rng,
    pub(super) progress: &'a Progress,
}

impl Story<'_> {
    /// To its end. What a person would call broken is an error.
    pub(super) async fn live(mut self) -> Result<verdict::Visitor, CrashError> {
        self.open("/sign-up", StatusCode::OK).await?;
        let device = self.browser.cookie("seam_device").unwrap_or_default().to_owned();
        self.sign_up().await?;
        self.open("/polls", StatusCode::OK).await?;
        for _ in 0..self.rng.usize(..=MOST_ROUNDS) {
            self.sign_out().await?;
            self.open("/sign-in", StatusCode::OK).await?;
            if !self.sign_in().await? {
                return Err(self.broken("the right password was refused"));
            }
            self.open("/polls", StatusCode::OK).await?;
        }
        if self.rng.bool() {
            self.sign_out().await?;
            self.open("/polls", StatusCode::FOUND).await?;
        }
        Ok(verdict::Visitor {
            email: self.email,
            device,
        })
    }

    async fn sign_up(&mut self) -> Result<(), CrashError> {
        loop {
            match self.credentials("/sign-up").await? {
                Told::Welcome => return Ok(()),
                Told::Taken if self.sign_in().await? => return Ok(()),
                Told::Taken => {
                    return Err(self.broken("the address is taken, and the right password was refused"));
                }
                Told::WrongCredentials => return Err(self.broken("sign-up spoke of wrong credentials")),
                Told::Nothing if self.rng.bool() && self.sign_in().await? => return Ok(()),
                Told::Nothing => {}
            }
        }
    }

    /// `false`: there is no such account, or so the page says.
    async fn sign_in(&mut self) -> Result<bool, CrashError> {
        loop {
            match self.credentials("/sign-in").await? {
                Told::Welcome => return Ok(true),
                Told::WrongCredentials => return Ok(false),
                Told::Taken => return Err(self.broken("sign-in spoke of a taken address")),
                Told::Nothing => {}
            }
        }
    }

    async fn sign_out(&mut self) -> Result<(), CrashError> {
        loop {
            let sent = self.browser.submit("/sign-out", &[]).await;
            if let Some(answer) = self.heard("/sign-out", sent).await? {
                let is_done =
                    answer.status == StatusCode::SEE_OTHER && answer.location.as_deref() == Some("/");
                return if is_done {
                    Ok(())
                } else {
                    Err(self.unexpected("/sign-out", &answer))
                };
            }
        }
    }

    /// Loads a page until an answer comes.
    async fn open(&mut self, path: &'static str, expected: StatusCode) -> Result<(), CrashError> {
        loop {
            let sent = self.browser.open(path).await;
            if let Some(answer) = self.heard(path, sent).await? {
                return if answer.status == expected {
                    Ok(())
                } else {
                    Err(self.unexpected(path, &answer))
                };
            }
        }
    }

    async fn credentials(&mut self, path: &'static str) -> Result<Told, CrashError> {
        let sent = self
            .browser
            .submit(path, &[("email", &self.email), ("password", PASSWORD)])
            .await;
        let Some(answer) = self.heard(path, sent).await? else {
            return Ok(Told::Nothing);
        };
        let says = |error: FieldError| answer.text.contains(&error.to_string());
        match answer.status {
            StatusCode::SEE_OTHER => Ok(Told::Welcome),
            StatusCode::UNPROCESSABLE_ENTITY if says(FieldError::EmailTaken) => Ok(Told::Taken),
            StatusCode::UNPROCESSABLE_ENTITY if says(FieldError::WrongCredentials) => {
                Ok(Told::WrongCredentials)
            }
            _ => Err(self.unexpected(path, &answer)),
        }
    }

    /// The answer, if one came; else the app is down, and the visitor waits until it is up again.
    async fn heard(
        &mut self,
        path: &'static str,
        sent: Result<Answer, reqwest::Error>,
    ) -> Result<Option<Answer>, CrashError> {
        match sent {
            Ok(answer) if answer.status.is_server_error() => Err(self.unexpected(path, &answer)),
            Ok(answer) => {
                self.progress.answered.send_modify(|answered| *answered += 1);
                Ok(Some(answer))
            }
            Err(_) => {
                self.progress.lost.send_modify(|lost| *lost += 1);
                // The sender outlives every visitor.
                let _ = self.progress.is_up.subscribe().wait_for(|is_up| *is_up).await;
                Ok(None)
            }
        }
    }

    fn unexpected(&self, path: &'static str, answer: &Answer) -> CrashError {
        let location = answer.location.as_deref().unwrap_or_default();
        self.broken(&format!("{path} was answered {} {location}", answer.status))
    }

    fn broken(&self, what: &str) -> CrashError {
        CrashError::Visitor {
            email: self.email.clone(),
            what: what.to_owned(),
        }
    }
}
