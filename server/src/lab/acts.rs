//! What a person does at each step: each act is what a browser sends for it.

use std::collections::BTreeMap;

use backend::ids;
use backend::timeline::ReadError;
use tracking::{Interval, Surface, TrialCheckoutClicked, UserId};

use super::browser::Browser;
use super::life::Step;
use super::moments::When;
use super::stage::{Stage, Trouble, until};
use super::stripe;
use super::walk::{Pace, Person, Walk, owed_by_a_borrower};

impl Walk<'_> {
    /// Does it.
    pub(super) async fn act(&mut self, place: usize, step: Step) -> Result<(), Trouble> {
        match step {
            Step::OpenPage(path) => drop(self.browser().open(path).await?),
            Step::SignUp => {
                let person = sign_up(self.browser(), "The scripted person").await?;
                self.is_now(person);
            }
            Step::SignOut => drop(self.browser().submit_and_follow("/sign-out", &[]).await?),
            Step::SignIn => self.sign_in().await?,
            Step::Use(browser) => {
                self.go_to(browser);
                self.browser().open("/").await?;
                if !self.standing.is_signed_in_at(browser) {
                    self.sign_in().await?;
                }
            }
            Step::Lend => self.lend().await?,
            Step::ConfirmEmail => self.confirm_email().await?,
            Step::MakePoll => self.make_poll().await?,
            Step::Vote => self.vote().await?,
            Step::StartTrial(interval) | Step::Subscribe(interval) => {
                self.check_out(place, step, interval).await?;
            }
            Step::GiveCard => stripe::give_card(self.stage, &self.person()?.email).await?,
            Step::Cancel => self.ask_billing("cancel").await?,
            Step::Resume => self.ask_billing("resume").await?,
            Step::Yearly => self.ask_billing("yearly").await?,
            Step::JumpTrialEnd => self.ask_billing("jump_trial_end").await?,
            Step::JumpRenewal => self.ask_billing("jump_renewal").await?,
        }
        Ok(())
    }

    async fn sign_in(&mut self) -> Result<(), Trouble> {
        let person = self.person()?.clone();
        let browser = self.browser();
        browser.open("/sign-in").await?;
        let fields = [
            ("email", person.email.as_str()),
            ("password", person.password.as_str()),
        ];
        let page = browser.submit_and_follow("/sign-in", &fields).await?;
        if page.user() != Some(person.user.to_string().as_str()) {
            return Err(Trouble::Page("nobody is signed in after the sign-in".to_owned()));
        }
        Ok(())
    }

    /// Somebody else signs up where the person was signed in, looks around, and leaves.
    async fn lend(&mut self) -> Result<(), Trouble> {
        let browser = self.browser();
        browser.submit_and_follow("/sign-out", &[]).await?;
        let other = sign_up(browser, "The next one at that laptop").await?;
        browser.open("/pricing").await?;
        browser.submit_and_follow("/sign-out", &[]).await?;
        self.others.push(Person {
            owed: owed_by_a_borrower(),
            ..other
        });
        Ok(())
    }

    /// Opens the letter's link, which leads to a page with a button.
    async fn confirm_email(&mut self) -> Result<(), Trouble> {
        let link = letter_link(self.stage, &self.person()?.email).await?;
        self.browser().open(&link).await?;
        self.browser().submit_and_follow("/verify", &[]).await?;
        Ok(())
    }

    /// The next document fires `Poll created`.
    async fn make_poll(&mut self) -> Result<(), Trouble> {
        let form = self.browser().open("/polls/new").await?.form()?;
        let fields = [
            ("form", form.as_str()),
            ("question", "Where shall we meet?"),
            ("option", "Here"),
            ("option", "There"),
        ];
        self.browser().submit_and_follow("/polls/new", &fields).await?;
        Ok(())
    }

    /// In the first poll of their list, each time for the other option.
    async fn vote(&mut self) -> Result<(), Trouble> {
        let choice = (self.votes % 2).to_string();
        self.votes += 1;
        let browser = self.browser();
        let poll = browser.open("/polls").await?.poll()?;
        let page = format!("/p/{poll}");
        browser.open(&page).await?;
        let fields = [("choice", choice.as_str()), ("revision", "0")];
        browser.submit_and_follow(&page, &fields).await?;
        Ok(())
    }

    /// From the price to the page that Checkout leads back to.
    async fn check_out(&mut self, place: usize, step: Step, interval: Interval) -> Result<(), Trouble> {
        let pricing = self.browser().open("/pricing").await?;
        let form = pricing.form()?;
        let clicked = TrialCheckoutClicked {
            interval,
            surface: Surface::Pricing,
        };
        self.browser().click(&pricing, clicked, &form).await?;
        let interval = match interval {
            Interval::Month => "month",
            Interval::Year => "year",
        };
        let fields = [("form", form.as_str()), ("interval", interval)];
        let checkout = self.browser().submit("/pricing", &fields).await?;
        self.turn(place, step, When::AtCheckout).await?;
        let pays = matches!(step, Step::Subscribe(_));
        let back = stripe::complete_checkout(self.stage, &checkout, pays).await?;
        self.breathe_out().await?;
        self.turn(place, step, When::Completed).await?;
        self.browser().open(back.as_str()).await?;
        Ok(())
    }

    async fn ask_billing(&mut self, action: &str) -> Result<(), Trouble> {
        let form = self.browser().open("/billing").await?.form()?;
        let fields = [("form", form.as_str()), ("action", action)];
        self.breathe_in().await;
        let led_to = self.browser().submit("/billing", &fields).await?;
        self.breathe_out().await?;
        self.browser().open(&led_to).await?;
        Ok(())
    }

    /// Until another second has begun than that of the last page.
    async fn breathe_in(&self) {
        if self.pace == Pace::Unhurried {
            let now_ms = self.stage.backend.clock.now_ms();
            self.stage
                .sleep_until((now_ms.div_euclid(1_000) + 1) * 1_000)
                .await;
        }
    }

    /// Until the second is over in which Stripe changed something last.
    async fn breathe_out(&self) -> Result<(), Trouble> {
        if self.pace == Pace::Unhurried {
            let changed = stripe::last_change(self.stage).await?;
            self.stage.sleep_until((changed + 1) * 1_000).await;
        }
        Ok(())
    }
}

async fn sign_up(browser: &mut Browser, who: &'static str) -> Result<Person, Trouble> {
    let email = format!("lab-{}@example.com", ids::random().simple());
    let password = ids::random().to_string();
    browser.open("/sign-up").await?;
    let fields = [("email", email.as_str()), ("password", password.as_str())];
    let page = browser.submit_and_follow("/sign-up", &fields).await?;
    let user = page.user().and_then(UserId::parse);
    let user = user.ok_or_else(|| Trouble::Page("nobody is signed in after the sign-up".to_owned()))?;
    Ok(Person {
        who,
        email,
        password,
        user,
        owed: BTreeMap::new(),
    })
}

/// Where the newest letter to that address leads, once it has come.
async fn letter_link(stage: &Stage, email: &str) -> Result<String, Trouble> {
    until("the letter has come".to_owned(), || async move {
        let Some(mailbox) = &stage.backend.mailbox else {
            return Ok(None);
        };
        let letters = mailbox.mails(Some(email)).await.map_err(ReadError::from)?;
        let link = letters.into_iter().find_map(|mail| mail.content.action);
        Ok(link.map(|link| link.url))
    })
    .await
}
