//! One user's steps through a trial, in a browser without script. After a lost answer the same request is sent again when
//! the app is back, as when a user reloads the page.

use http_browser::{Browser, BrowserError, BrowserResponse};
use reqwest::StatusCode;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::TrialsError;
use super::timeline::IdRoles;

const PASSWORD: &str = "correct horse battery";
/// Limit until a page shows a webhook's change; a crashed worker's lease may have to expire first.
const WEBHOOK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(120);
const CHECK_INTERVAL: std::time::Duration = std::time::Duration::from_millis(200);

/// A user with a browser.
pub(crate) struct TrialCustomer {
    pub(super) browser: Browser,
    pub(super) email: String,
    pub(super) is_app_up: watch::Receiver<bool>,
    /// Number of posts that were sent again after a lost answer.
    pub(super) reposts: usize,
    /// The URL of Stripe's page for the trial.
    checkout_url: String,
    /// The roles of the user's IDs.
    pub(super) roles: IdRoles,
}

impl TrialCustomer {
    pub(crate) fn new(browser: Browser, email: String, is_app_up: watch::Receiver<bool>) -> Self {
        Self {
            browser,
            email,
            is_app_up,
            reposts: 0,
            checkout_url: String::new(),
            roles: IdRoles::default(),
        }
    }

    /// Signs up and notes the IDs of user, device and session.
    pub(crate) async fn sign_up(&mut self) -> Result<(), TrialsError> {
        self.open("/sign-up").await?;
        let email = self.email.clone();
        let answer = self
            .submit("/sign-up", &[("email", &email), ("password", PASSWORD)])
            .await?;
        if answer.status != StatusCode::SEE_OTHER {
            return Err(self.unexpected_answer("/sign-up", &answer));
        }
        let page = self.open("/billing").await?;
        let boot = page.embedded_json("boot").unwrap_or_default();
        let text = |key: &str| boot[key].as_str().unwrap_or_default().to_owned();
        self.roles.add("user", &text("user"));
        self.roles.add("device", &text("device"));
        self.roles.add("session", &boot["session"].to_string());
        Ok(())
    }

    /// Submits the form of the pricing page; the answer redirects to Stripe's page.
    pub(crate) async fn order(&mut self) -> Result<(), TrialsError> {
        let form = self.open("/pricing").await?;
        let form = self.form_id("/pricing", &form)?;
        self.roles.add("click", &form);
        let answer = self
            .submit("/pricing", &[("form", &form), ("interval", "month")])
            .await?;
        match answer.location() {
            Some(page) if page.contains("/c/pay/") => {
                self.checkout_url = page.to_owned();
                Ok(())
            }
            _ => Err(self.unexpected_answer("/pricing", &answer)),
        }
    }

    /// Completes Stripe's page without a card. Returns the path that it redirects to.
    pub(crate) async fn complete(&mut self) -> Result<String, TrialsError> {
        // A client without the app's cookies, because Stripe is another site.
        let stripe = http_browser::client()?;
        let answer = stripe
            .post(&self.checkout_url)
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
        back.ok_or_else(|| self.error("Stripe's page did not redirect to the app"))
    }

    /// Opens the page that Stripe's page redirects to.
    pub(super) async fn return_to(&mut self, path: &str) -> Result<(), TrialsError> {
        self.open(path).await.map(drop)
    }

    /// Waits until the billing page offers to cancel, and submits its form.
    pub(super) async fn cancel(&mut self) -> Result<(), TrialsError> {
        let deadline = Instant::now() + WEBHOOK_TIMEOUT;
        let page = loop {
            let page = self.open("/billing").await?;
            if page.text().contains(r#"value="cancel""#) {
                break page;
            }
            if Instant::now() > deadline {
                return Err(self.error("the billing page never offered to cancel"));
            }
            sleep(CHECK_INTERVAL).await;
        };
        let form = self.form_id("/billing", &page)?;
        self.roles.add("cancel click", &form);
        let answer = self
            .submit("/billing", &[("form", &form), ("action", "cancel")])
            .await?;
        if answer.status == StatusCode::SEE_OTHER {
            Ok(())
        } else {
            Err(self.unexpected_answer("/billing", &answer))
        }
    }

    /// Returns the ID in the page's form.
    fn form_id(&self, path: &str, page: &BrowserResponse) -> Result<String, TrialsError> {
        page.hidden_field("form")
            .ok_or_else(|| self.unexpected_answer(path, page))
    }

    async fn open(&mut self, path: &str) -> Result<BrowserResponse, TrialsError> {
        loop {
            let sent = self.browser.open(path).await;
            if let Some(answer) = self.answer_or_wait(path, sent).await? {
                return match answer.status {
                    200 => Ok(answer),
                    _ => Err(self.unexpected_answer(path, &answer)),
                };
            }
        }
    }

    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<BrowserResponse, TrialsError> {
        loop {
            let sent = self.browser.submit(path, fields).await;
            if let Some(answer) = self.answer_or_wait(path, sent).await? {
                return Ok(answer);
            }
            self.reposts += 1;
        }
    }

    /// Returns the answer, or `None` for a lost one, after the app is up again.
    async fn answer_or_wait(
        &mut self,
        path: &str,
        sent: Result<BrowserResponse, BrowserError>,
    ) -> Result<Option<BrowserResponse>, TrialsError> {
        match sent {
            Ok(answer) if answer.status >= 500 => Err(self.unexpected_answer(path, &answer)),
            Ok(answer) => Ok(Some(answer)),
            Err(_) => {
                // The connection breaks shortly before the app is marked as down.
                sleep(CHECK_INTERVAL).await;
                // The sender outlives all customers.
                let _ = self.is_app_up.wait_for(|is_up| *is_up).await;
                Ok(None)
            }
        }
    }

    fn unexpected_answer(&self, path: &str, answer: &BrowserResponse) -> TrialsError {
        let location = answer.location().unwrap_or_default();
        self.error(&format!("{path} was answered {} {location}", answer.status))
    }

    fn error(&self, problem: &str) -> TrialsError {
        TrialsError::Customer {
            email: self.email.clone(),
            problem: problem.to_owned(),
        }
    }
}
