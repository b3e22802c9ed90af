//! One person's way through a trial, in a browser without script: whoever gets no answer sends the same again once the app is
//! back, as people do who load a page anew.

use reqwest::StatusCode;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::TrialsError;
use super::story::Roles;
use crate::browser::{Answer, Browser};

const PASSWORD: &str = "correct horse battery";
/// A page that waits for a webhook shows the change after a crashed worker's lease at the latest.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
const LOOK: std::time::Duration = std::time::Duration::from_millis(200);

/// A person with a browser.
pub(crate) struct Customer {
    pub(super) browser: Browser,
    pub(super) email: String,
    pub(super) is_up: watch::Receiver<bool>,
    /// Posts that got no answer and were sent again.
    pub(super) repeats: usize,
    /// Where Stripe's page for the trial is.
    page: String,
    /// Whose IDs are whose.
    pub(super) roles: Roles,
}

impl Customer {
    pub(crate) fn new(browser: Browser, email: String, is_up: watch::Receiver<bool>) -> Self {
        Self {
            browser,
            email,
            is_up,
            repeats: 0,
            page: String::new(),
            roles: Roles::default(),
        }
    }

    pub(crate) async fn sign_up(&mut self) -> Result<(), TrialsError> {
        self.open("/sign-up").await?;
        let email = self.email.clone();
        let answer = self
            .submit("/sign-up", &[("email", &email), ("password", PASSWORD)])
            .await?;
        if answer.status != StatusCode::SEE_OTHER {
            return Err(self.unexpected("/sign-up", &answer));
        }
        let page = self.open("/billing").await?;
        let boot = page.boot();
        let text = |key: &str| boot[key].as_str().unwrap_or_default().to_owned();
        self.roles.name("user", &text("user"));
        self.roles.name("device", &text("device"));
        self.roles.name("session", &boot["session"].to_string());
        Ok(())
    }

    /// By the pricing page's form: to the URL of Stripe's page.
    pub(crate) async fn order(&mut self) -> Result<(), TrialsError> {
        let form = self.open("/pricing").await?;
        let form = self.form_of("/pricing", &form)?;
        self.roles.name("click", &form);
        let answer = self
            .submit("/pricing", &[("form", &form), ("interval", "month")])
            .await?;
        match answer.location {
            Some(page) if page.contains("/c/pay/") => {
                self.page = page;
                Ok(())
            }
            _ => Err(self.unexpected("/pricing", &answer)),
        }
    }

    /// By the form of Stripe's page, without a card.
    pub(crate) async fn complete(&mut self) -> Result<String, TrialsError> {
        // Another site: none of our cookies go there.
        let stripe = crate::browser::client()?;
        let answer = stripe
            .post(&self.page)
            .form(&[("complete", "")])
            .send()
            .await?
            .error_for_status()?;
        let back = answer
            .headers()
            .get(reqwest::header::LOCATION)
            .and_then(|url| url.to_str().ok())
            .and_then(|url| url.split_once("/billing/return"))
            .map(|(_, query)| format!("/billing/return{query}"));
        back.ok_or_else(|| self.broken("Stripe's page led nowhere"))
    }

    /// To the page that Stripe's leads back to.
    pub(super) async fn return_to(&mut self, path: &str) -> Result<(), TrialsError> {
        self.open(path).await.map(drop)
    }

    /// By the billing page's form, once it offers that.
    pub(super) async fn cancel(&mut self) -> Result<(), TrialsError> {
        let deadline = Instant::now() + PATIENCE;
        let page = loop {
            let page = self.open("/billing").await?;
            if page.text.contains(r#"value="cancel""#) {
                break page;
            }
            if Instant::now() > deadline {
                return Err(self.broken("the billing page never offered to cancel"));
            }
            sleep(LOOK).await;
        };
        let form = self.form_of("/billing", &page)?;
        self.roles.name("cancel click", &form);
        let answer = self
            .submit("/billing", &[("form", &form), ("action", "cancel")])
            .await?;
        if answer.status == StatusCode::SEE_OTHER {
            Ok(())
        } else {
            Err(self.unexpected("/billing", &answer))
        }
    }

    fn form_of(&self, path: &str, page: &Answer) -> Result<String, TrialsError> {
        page.value_of("form")
            .map(str::to_owned)
            .ok_or_else(|| self.unexpected(path, page))
    }

    async fn open(&mut self, path: &str) -> Result<Answer, TrialsError> {
        loop {
            let sent = self.browser.open(path).await;
            if let Some(answer) = self.heard(path, sent).await? {
                return match answer.status {
                    StatusCode::OK => Ok(answer),
                    _ => Err(self.unexpected(path, &answer)),
                };
            }
        }
    }

    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, TrialsError> {
        loop {
            let sent = self.browser.submit(path, fields).await;
            if let Some(answer) = self.heard(path, sent).await? {
                return Ok(answer);
            }
            self.repeats += 1;
        }
    }

    /// The answer, if one came; else they wait until the app is up again.
    async fn heard(
        &mut self,
        path: &str,
        sent: Result<Answer, reqwest::Error>,
    ) -> Result<Option<Answer>, TrialsError> {
        match sent {
            Ok(answer) if answer.status.is_server_error() => Err(self.unexpected(path, &answer)),
            Ok(answer) => Ok(Some(answer)),
            Err(_) => {
                // A connection breaks a moment before the kill is known to be one.
                sleep(LOOK).await;
                // The sender outlives everybody.
                let _ = self.is_up.wait_for(|is_up| *is_up).await;
                Ok(None)
            }
        }
    }

    fn unexpected(&self, path: &str, answer: &Answer) -> TrialsError {
        let location = answer.location.as_deref().unwrap_or_default();
        self.broken(&format!("{path} was answered {} {location}", answer.status))
    }

    fn broken(&self, what: &str) -> TrialsError {
        TrialsError::Customer {
            email: self.email.clone(),
            what: what.to_owned(),
        }
    }
}
