//! The scripted life: signing up, a poll, a trial by Checkout, canceled and resumed, its end, a cancellation. The same steps under every
//! disturbance, each a request that a browser makes; only the stand-ins, the browser and the workers differ.

use std::time::{Duration, Instant};

use app::lab::{Disturbance, Story};
use backend::billing::inbox::InboxState;
use backend::ids;
use backend::timeline::ReadError;
use tracking::{
    Fact, Interval, PollCreated, SignOutCompleted, SignUpCompleted, SubscriptionCanceled, Surface,
    TrialCanceled, TrialCheckoutClicked, TrialConverted, TrialResumed, TrialStarted, UserId,
};

use super::browser::Browser;
use super::stage::{Stage, Trouble};
use super::stripe;
use super::switches::{Moment, Switches};

/// How long anything may take that the script waits for: an upload that hung is tried again in less.
const PATIENCE: Duration = Duration::from_secs(100);

/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);

/// Waiting webhooks that are looked through for one of the person's.
const MOST_WAITING: i64 = 100;

/// How far the browser's clock is ahead of ours.
const fn clock_ahead_ms(disturbance: Disturbance) -> i64 {
    match disturbance {
        Disturbance::ClockOffBySeconds => 50_000,
        Disturbance::ClockOffByMinutes => 5 * 60_000,
        _ => 0,
    }
}

/// A life that is being lived.
pub(super) struct Script<'a> {
    stage: &'a Stage,
    disturbance: Disturbance,
    switches: &'a Switches,
    /// Says what is being done.
    tell: &'a (dyn Fn(&'static str) + Sync),
}

/// Somebody with an account, in the browser in which they are now.
struct Person {
    who: &'static str,
    email: String,
    password: String,
    user: UserId,
}

impl<'a> Script<'a> {
    /// One that has not begun.
    pub(super) fn new(
        stage: &'a Stage,
        disturbance: Disturbance,
        switches: &'a Switches,
        tell: &'a (dyn Fn(&'static str) + Sync),
    ) -> Self {
        Self {
            stage,
            disturbance,
            switches,
            tell,
        }
    }

    /// Lives it, and tells each story with its verdict.
    ///
    /// # Errors
    /// The step that could not be done, or what did not happen in time.
    pub(super) async fn live(&self) -> Result<Vec<Story>, Trouble> {
        self.switches.at(Moment::Start).await?;
        let blocked = self.disturbance == Disturbance::SdkBlocked;
        let mut browser = Browser::new(self.stage, clock_ahead_ms(self.disturbance), blocked);

        (self.tell)("signing up");
        browser.open("/").await?;
        let person = self.sign_up(&mut browser, "The scripted person").await?;
        (self.tell)("making a poll");
        self.make_poll(&mut browser).await?;
        (self.tell)("starting a trial by Checkout");
        self.start_trial(&mut browser, &person).await?;

        let mut others = Vec::new();
        let mut second = None;
        match self.disturbance {
            Disturbance::SecondBrowser => {
                (self.tell)("signing in from another browser");
                let mut other = Browser::new(self.stage, 0, false);
                other.open("/").await?;
                self.sign_in(&mut other, &person).await?;
                second = Some(other);
            }
            Disturbance::SharedLaptop => {
                (self.tell)("lending the laptop");
                others.push(self.lend(&mut browser).await?);
                self.sign_in(&mut browser, &person).await?;
            }
            _ => {}
        }

        (self.tell)("changing their mind, twice");
        self.ask_billing(&mut browser, "cancel").await?;
        self.arrived(&person, TrialCanceled::NAME).await?;
        self.ask_billing(&mut browser, "resume").await?;
        self.arrived(&person, TrialResumed::NAME).await?;

        (self.tell)("paying for the trial");
        stripe::give_card(self.stage, &person.email).await?;
        self.switches.at(Moment::BeforeTrialEnd).await?;
        self.ask_billing(&mut browser, "jump_trial_end").await?;
        self.switches.at(Moment::TrialEnded).await?;
        self.arrived(&person, TrialConverted::NAME).await?;

        (self.tell)("canceling");
        let canceling = second.as_mut().unwrap_or(&mut browser);
        self.ask_billing(canceling, "cancel").await?;
        self.arrived(&person, SubscriptionCanceled::NAME).await?;

        (self.tell)("waiting for the last events");
        for browser in std::iter::once(&mut browser).chain(second.as_mut()) {
            self.all_sent(browser).await?;
        }
        let mut once = vec![
            SignUpCompleted::NAME,
            TrialStarted::NAME,
            TrialCanceled::NAME,
            TrialResumed::NAME,
            TrialConverted::NAME,
            SubscriptionCanceled::NAME,
        ];
        if browser.has_sdk() {
            once.extend([PollCreated::NAME, TrialCheckoutClicked::NAME]);
        }
        let mut stories = vec![self.story(&person, &once).await?];
        for other in &others {
            let once = [SignUpCompleted::NAME, SignOutCompleted::NAME];
            stories.push(self.story(other, &once).await?);
        }
        Ok(stories)
    }

    async fn sign_up(&self, browser: &mut Browser, who: &'static str) -> Result<Person, Trouble> {
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
        })
    }

    async fn sign_in(&self, browser: &mut Browser, person: &Person) -> Result<(), Trouble> {
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

    /// The next document fires `Poll created`.
    async fn make_poll(&self, browser: &mut Browser) -> Result<(), Trouble> {
        let form = browser.open("/polls/new").await?.form()?;
        let fields = [
            ("form", form.as_str()),
            ("question", "Where shall we meet?"),
            ("option", "Here"),
            ("option", "There"),
        ];
        browser.submit_and_follow("/polls/new", &fields).await?;
        Ok(())
    }

    /// From the price to the page that Checkout leads back to, and on until the trial was told of.
    async fn start_trial(&self, browser: &mut Browser, person: &Person) -> Result<(), Trouble> {
        let pricing = browser.open("/pricing").await?;
        let form = pricing.form()?;
        let clicked = TrialCheckoutClicked {
            interval: Interval::Month,
            surface: Surface::Pricing,
        };
        browser.click(&pricing, clicked, &form).await?;
        let fields = [("form", form.as_str()), ("interval", "month")];
        let checkout = browser.submit("/pricing", &fields).await?;

        self.switches.at(Moment::BeforeCheckout).await?;
        if self.disturbance == Disturbance::WorkersRestarted {
            (self.tell)("killing the workers with an upload in hand");
            self.upload_in_hand(person).await?;
            self.stage.workers.kill().await;
        }
        let back = stripe::complete_checkout(self.stage, &checkout).await?;
        if self.disturbance == Disturbance::WebhooksBeforeRedirect {
            (self.tell)("waiting for the webhook");
            self.arrived(person, TrialStarted::NAME).await?;
        }
        (self.tell)("coming back from Checkout");
        browser.open(back.as_str()).await?;
        if self.disturbance == Disturbance::WorkersRestarted {
            (self.tell)("starting new workers");
            self.webhook_stored(person).await?;
        }
        self.switches.at(Moment::CameBack).await?;
        self.stage.workers.start();
        (self.tell)("waiting for the trial to be told of");
        self.arrived(person, TrialStarted::NAME).await
    }

    /// Somebody else signs up where the person was signed in, looks around, and leaves.
    async fn lend(&self, browser: &mut Browser) -> Result<Person, Trouble> {
        browser.submit_and_follow("/sign-out", &[]).await?;
        let other = self.sign_up(browser, "The next one at that laptop").await?;
        browser.open("/pricing").await?;
        browser.submit_and_follow("/sign-out", &[]).await?;
        Ok(other)
    }

    async fn ask_billing(&self, browser: &mut Browser, action: &str) -> Result<(), Trouble> {
        let form = browser.open("/billing").await?.form()?;
        let fields = [("form", form.as_str()), ("action", action)];
        browser.submit_and_follow("/billing", &fields).await?;
        Ok(())
    }

    async fn arrived(&self, person: &Person, name: &'static str) -> Result<(), Trouble> {
        let (stage, user) = (self.stage, person.user);
        let what = format!("“{name}” has arrived");
        until(what, || stage.has_arrived(user, name)).await
    }

    /// The dispatcher waits for an answer to an upload of this person's.
    async fn upload_in_hand(&self, person: &Person) -> Result<(), Trouble> {
        let (operations, user) = (&self.stage.backend.operations, person.user);
        let what = "an upload of the person’s is under way".to_owned();
        until(what, || async move {
            let sent = operations.is_being_sent(user).await;
            Ok(sent.map_err(ReadError::from)?)
        })
        .await
    }

    /// The webhook of the trial has come, while nobody applies any.
    async fn webhook_stored(&self, person: &Person) -> Result<(), Trouble> {
        let billing = &self.stage.backend.billing;
        let customer = &stripe::customer(self.stage, &person.email).await?;
        let what = "a webhook of the trial has come in".to_owned();
        until(what, || async move {
            let waiting = billing.inbox(Some(InboxState::Pending), MOST_WAITING).await;
            let waiting = waiting.map_err(ReadError::from)?;
            Ok(waiting.iter().any(|webhook| webhook.lane == *customer))
        })
        .await
    }

    /// What the browser has tracked has arrived. Its SDK tries again by itself, as long as a page is open.
    async fn all_sent(&self, browser: &mut Browser) -> Result<(), Trouble> {
        let began = Instant::now();
        while !browser.flush().await? {
            if began.elapsed() > PATIENCE {
                return Err(Trouble::InVain("the browser’s events have arrived".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// The verdict, once nothing of theirs is on its way.
    async fn story(&self, person: &Person, once: &[&'static str]) -> Result<Story, Trouble> {
        for name in once {
            self.arrived(person, name).await?;
        }
        let (timeline, user) = (&self.stage.backend.timeline, person.user);
        until("nothing of theirs is on its way".to_owned(), || async move {
            Ok(timeline.facts(user).await?.undelivered.is_empty())
        })
        .await?;
        let user = person.user.to_string();
        let judged = timeline.judge(&user).await?;
        let (verdict, events) =
            judged.ok_or_else(|| Trouble::InVain(format!("anything has arrived under {user}")))?;
        for &name in once {
            let times = events.iter().filter(|event| event.name == name).count();
            if times != 1 {
                return Err(Trouble::Count { name, times });
            }
        }
        Ok(Story {
            who: person.who.to_owned(),
            user,
            verdict,
        })
    }
}

/// Looks until it is so.
async fn until<Looked>(what: String, mut is_so: impl FnMut() -> Looked) -> Result<(), Trouble>
where
    Looked: Future<Output = Result<bool, Trouble>>,
{
    let began = Instant::now();
    while !is_so().await? {
        if began.elapsed() > PATIENCE {
            return Err(Trouble::InVain(what));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
