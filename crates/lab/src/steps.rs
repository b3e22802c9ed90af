//! The steps of a scenario as HTTP: what a browser sends for each.

use std::collections::BTreeMap;

use backend::ids;
use backend::timeline::ReadError;
use tracking::{PlanInterval, Surface, TrialCheckoutClicked, UserId};

use crate::browser::ScriptedBrowser;
use crate::environment::{LabEnvironment, wait_until};
use crate::error::ScenarioError;
use crate::scenario::ScenarioStep;
use crate::scenario_run::{Pacing, ScenarioRun, ScenarioUser, expected_shared_laptop_events};
use crate::schedule::{SchedulePoint, StepPhase};
use crate::stripe;

impl ScenarioRun<'_> {
    /// Performs a step; `index` is its place in the scenario.
    pub(crate) async fn perform(&mut self, index: usize, step: ScenarioStep) -> Result<(), ScenarioError> {
        use ScenarioStep as S;
        match step {
            S::OpenPage(path) => drop(self.browser().open(path).await?),
            S::SignUp => {
                let user = sign_up(self.browser(), "Scripted user").await?;
                self.set_user(user);
            }
            S::SignOut => drop(self.browser().submit_and_follow("/sign-out", &[]).await?),
            S::SignIn => self.sign_in().await?,
            S::SwitchBrowser(browser) => {
                self.switch_browser(browser);
                self.browser().open("/").await?;
                if !self.state.is_signed_in_at(browser) {
                    self.sign_in().await?;
                }
            }
            S::ShareLaptop => self.share_laptop().await?,
            S::VerifyEmail => self.verify_email().await?,
            S::CreatePoll => self.create_poll().await?,
            S::Vote => self.vote().await?,
            S::StartTrial(interval) | S::Subscribe(interval) => self.check_out(index, step, interval).await?,
            S::AddCard => stripe::add_card(self.environment, &self.user()?.email).await?,
            S::Cancel => self.submit_billing("cancel").await?,
            S::Resume => self.submit_billing("resume").await?,
            S::ChangeToYearly => self.submit_billing("yearly").await?,
            S::PassTrialEnd => self.submit_billing("jump_trial_end").await?,
            S::PassPeriodEnd => self.submit_billing("jump_renewal").await?,
        }
        Ok(())
    }

    async fn sign_in(&mut self) -> Result<(), ScenarioError> {
        let user = self.user()?.clone();
        let browser = self.browser();
        browser.open("/sign-in").await?;
        let fields = [("email", user.email.as_str()), ("password", &user.password)];
        let page = browser.submit_and_follow("/sign-in", &fields).await?;
        if page.user() != Some(user.user.to_string().as_str()) {
            let problem = "the user is not signed in after the sign-in";
            return Err(ScenarioError::UnexpectedPage(problem.to_owned()));
        }
        Ok(())
    }

    /// A second user signs up in the first user's browser, opens a page, and signs out.
    async fn share_laptop(&mut self) -> Result<(), ScenarioError> {
        let browser = self.browser();
        browser.submit_and_follow("/sign-out", &[]).await?;
        let second = sign_up(browser, "Second user").await?;
        browser.open("/pricing").await?;
        browser.submit_and_follow("/sign-out", &[]).await?;
        self.other_users.push(ScenarioUser {
            expected_events: expected_shared_laptop_events(),
            ..second
        });
        Ok(())
    }

    async fn verify_email(&mut self) -> Result<(), ScenarioError> {
        let link = mail_link(self.environment, &self.user()?.email).await?;
        self.browser().open(&link).await?;
        self.browser().submit_and_follow("/verify", &[]).await?;
        Ok(())
    }

    /// The next document fires `Poll created`.
    async fn create_poll(&mut self) -> Result<(), ScenarioError> {
        let form = self.browser().open("/polls/new").await?.form_id()?;
        let fields = [
            ("form", form.as_str()),
            ("question", "Where shall we meet?"),
            ("option", "Here"),
            ("option", "There"),
        ];
        self.browser().submit_and_follow("/polls/new", &fields).await?;
        Ok(())
    }

    /// Votes in the first poll of the list, for the other option each time.
    async fn vote(&mut self) -> Result<(), ScenarioError> {
        let choice = (self.votes % 2).to_string();
        self.votes += 1;
        let browser = self.browser();
        let poll = browser.open("/polls").await?.first_poll()?;
        let page = format!("/p/{poll}");
        browser.open(&page).await?;
        let fields = [("choice", choice.as_str()), ("revision", "0")];
        browser.submit_and_follow(&page, &fields).await?;
        Ok(())
    }

    /// From the pricing page through Checkout to the page that Checkout returns to.
    async fn check_out(
        &mut self,
        index: usize,
        step: ScenarioStep,
        interval: PlanInterval,
    ) -> Result<(), ScenarioError> {
        let pricing = self.browser().open("/pricing").await?;
        let form = pricing.form_id()?;
        let clicked = TrialCheckoutClicked {
            interval,
            surface: Surface::Pricing,
        };
        self.browser().click(&pricing, clicked, &form).await?;
        let interval = match interval {
            PlanInterval::Month => "month",
            PlanInterval::Year => "year",
        };
        let fields = [("form", form.as_str()), ("interval", interval)];
        let checkout = self.browser().submit("/pricing", &fields).await?;
        let at = |phase| SchedulePoint { index, step, phase };
        self.act_at(at(StepPhase::CheckoutOpened)).await?;
        let with_card = matches!(step, ScenarioStep::Subscribe(_));
        let back = stripe::complete_checkout(self.environment, &checkout, with_card).await?;
        self.wait_past_last_change().await?;
        self.act_at(at(StepPhase::CheckoutCompleted)).await?;
        self.browser().open(back.as_str()).await?;
        Ok(())
    }

    async fn submit_billing(&mut self, action: &str) -> Result<(), ScenarioError> {
        let form = self.browser().open("/billing").await?.form_id()?;
        let fields = [("form", form.as_str()), ("action", action)];
        self.wait_for_next_second().await;
        let location = self.browser().submit("/billing", &fields).await?;
        self.wait_past_last_change().await?;
        self.browser().open(&location).await?;
        Ok(())
    }

    /// Waits for a later second than that of the last page.
    async fn wait_for_next_second(&self) {
        if self.pacing == Pacing::WholeSeconds {
            let now_ms = self.environment.backend.clock.now_ms();
            let next_second_ms = (now_ms.div_euclid(1_000) + 1) * 1_000;
            self.environment.sleep_until(next_second_ms).await;
        }
    }

    /// Waits for a later second than that of Stripe's last change.
    async fn wait_past_last_change(&self) -> Result<(), ScenarioError> {
        if self.pacing == Pacing::WholeSeconds {
            let changed_secs = stripe::last_change_secs(self.environment).await?;
            self.environment.sleep_until((changed_secs + 1) * 1_000).await;
        }
        Ok(())
    }
}

async fn sign_up(browser: &mut ScriptedBrowser, name: &'static str) -> Result<ScenarioUser, ScenarioError> {
    let email = format!("lab-{}@example.com", ids::random().simple());
    let password = ids::random().to_string();
    browser.open("/sign-up").await?;
    let fields = [("email", email.as_str()), ("password", password.as_str())];
    let page = browser.submit_and_follow("/sign-up", &fields).await?;
    let user = page.user().and_then(UserId::parse);
    let user = user.ok_or_else(|| {
        ScenarioError::UnexpectedPage("the user is not signed in after the sign-up".to_owned())
    })?;
    Ok(ScenarioUser {
        name,
        email,
        password,
        user,
        expected_events: BTreeMap::new(),
    })
}

/// Waits for a mail to that address. Returns the link of the newest one.
async fn mail_link(environment: &LabEnvironment, email: &str) -> Result<String, ScenarioError> {
    wait_until("the mail has arrived".to_owned(), || async move {
        let Some(mailbox) = &environment.backend.mailbox else {
            return Ok(None);
        };
        let mails = mailbox.mails(Some(email)).await.map_err(ReadError::from)?;
        let link = mails.into_iter().find_map(|mail| mail.content.action);
        Ok(link.map(|link| link.url))
    })
    .await
}
