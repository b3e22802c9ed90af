//! Walking through a life: its steps one after another, what is turned in between, and the waiting for what a step causes.
//! The same steps under every disturbance; only the stand-ins, the browsers and the workers differ.

use std::collections::BTreeMap;
use std::time::Instant;

use backend::billing::inbox::InboxState;
use backend::timeline::ReadError;
use tracking::{EventPayload, SignOutCompleted, SignUpCompleted, UserId};

use super::browser::Browser;
use super::life::{BROWSERS, Standing, Step, Taken};
use super::moments::{Awaited, Disturbs, Moment, Turn, When};
use super::stage::{LOOK, PATIENCE, Stage, Trouble, until};
use super::stripe;
use super::switches::Switches;

/// Waiting webhooks that are looked through for one of the person's.
const MOST_WAITING: i64 = 100;

/// How somebody goes through life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As quickly as the app answers.
    Hurried,
    /// With a breath around whatever Stripe does. Stripe tells moments in whole seconds: only then does it follow from the
    /// events' times, every time, what was first.
    Unhurried,
}

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// Who they are in the life.
    pub(super) who: &'static str,
    pub(super) email: String,
    pub(super) password: String,
    pub(super) user: UserId,
    /// Events that have to stand in their story, and how often.
    pub(super) owed: BTreeMap<&'static str, usize>,
}

/// A life that is being lived.
pub(super) struct Walk<'a> {
    pub(super) stage: &'a Stage,
    disturbs: &'a dyn Disturbs,
    switches: &'a Switches,
    pub(super) pace: Pace,
    /// Says what is being done.
    tell: &'a (dyn Fn(&'static str) + Sync),
    pub(super) standing: Standing,
    /// By number; `None`: not used yet.
    browsers: [Option<Browser>; BROWSERS],
    here: usize,
    person: Option<Person>,
    /// Of the person, the server's alone.
    told: BTreeMap<&'static str, usize>,
    /// Of the person, the browser's.
    tracked: BTreeMap<&'static str, usize>,
    pub(super) others: Vec<Person>,
    pub(super) votes: usize,
}

impl<'a> Walk<'a> {
    /// One that has not begun.
    pub(super) fn new(
        stage: &'a Stage,
        disturbs: &'a dyn Disturbs,
        switches: &'a Switches,
        pace: Pace,
        tell: &'a (dyn Fn(&'static str) + Sync),
    ) -> Self {
        Self {
            stage,
            disturbs,
            switches,
            pace,
            tell,
            standing: Standing::default(),
            browsers: [const { None }; BROWSERS],
            here: 0,
            person: None,
            told: BTreeMap::new(),
            tracked: BTreeMap::new(),
            others: Vec::new(),
            votes: 0,
        }
    }

    /// Lives it, and tells who was in it: the person first, then whoever borrowed the laptop. All that the steps cause
    /// stands in the outbox or has arrived then.
    ///
    /// # Errors
    /// The step that could not be done, or what did not happen in time.
    pub(super) async fn live(mut self, life: &[Step]) -> Result<Vec<Person>, Trouble> {
        for (place, &step) in life.iter().enumerate() {
            if step.needs_billing() {
                self.all_told().await?;
            }
            let taken = self.standing.take(step).ok_or(Trouble::Senseless { step })?;
            self.owe(taken);
            self.turn(place, step, When::Before).await?;
            (self.tell)(step.doing());
            self.act(place, step).await?;
            self.standing = taken.standing;
            self.turn(place, step, When::After).await?;
        }
        (self.tell)("waiting for the last events");
        self.all_told().await?;
        for browser in self.browsers.iter_mut().flatten() {
            all_sent(browser).await?;
        }
        let person = self.person.map(|person| Person {
            owed: self.told.into_iter().chain(self.tracked).collect(),
            ..person
        });
        Ok(person.into_iter().chain(self.others).collect())
    }

    fn owe(&mut self, taken: Taken) {
        if let Some(name) = taken.told {
            *self.told.entry(name).or_default() += 1;
        }
        if let Some(name) = taken.tracked.filter(|_| !self.disturbs.blocks_sdk()) {
            *self.tracked.entry(name).or_default() += 1;
        }
    }

    /// The browser of that number, from now on the one in which they are.
    pub(super) fn go_to(&mut self, browser: usize) {
        self.here = browser;
    }

    /// The browser in which they are.
    pub(super) fn browser(&mut self) -> &mut Browser {
        let new = || {
            Browser::new(
                self.stage,
                self.disturbs.clock_ahead_ms(),
                self.disturbs.blocks_sdk(),
            )
        };
        self.browsers[self.here].get_or_insert_with(new)
    }

    pub(super) fn person(&self) -> Result<&Person, Trouble> {
        let person = self.person.as_ref();
        person.ok_or_else(|| Trouble::Page("nobody has an account yet".to_owned()))
    }

    pub(super) fn is_now(&mut self, person: Person) {
        self.person = Some(person);
    }

    /// Turns what the disturbance wants turned at that moment.
    pub(super) async fn turn(&self, place: usize, step: Step, when: When) -> Result<(), Trouble> {
        for turn in self.disturbs.at(Moment { place, step, when }) {
            match turn {
                Turn::Webhooks(switches) => self.switches.webhooks(&switches).await?,
                Turn::Faults(faults) => self.switches.faults(&faults).await?,
                Turn::KillWorkers => {
                    (self.tell)("killing the workers");
                    self.stage.workers.kill().await;
                }
                Turn::StartWorkers => {
                    (self.tell)("starting new workers");
                    self.stage.workers.start();
                }
                Turn::Await(Awaited::Told) => self.all_told().await?,
                Turn::Await(Awaited::UploadInHand) => self.upload_in_hand().await?,
                Turn::Await(Awaited::WebhookStored) => self.webhook_stored().await?,
            }
        }
        Ok(())
    }

    /// All that the steps so far cause stands in the outbox.
    async fn all_told(&self) -> Result<(), Trouble> {
        let Some(person) = &self.person else { return Ok(()) };
        let (operations, user) = (&self.stage.backend.operations, person.user);
        for (&name, &times) in &self.told {
            until(format!("“{name}” is told of"), || async move {
                let told = operations
                    .count_events(user, name)
                    .await
                    .map_err(ReadError::from)?;
                Ok((told >= times).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// The dispatcher waits for an answer to an upload of this person's.
    async fn upload_in_hand(&self) -> Result<(), Trouble> {
        let (operations, user) = (&self.stage.backend.operations, self.person()?.user);
        let what = "an upload of the person’s is under way".to_owned();
        until(what, || async move {
            let sent = operations.is_being_sent(user).await;
            Ok(sent.map_err(ReadError::from)?.then_some(()))
        })
        .await
    }

    /// A webhook of the person's has come, while nobody applies any.
    async fn webhook_stored(&self) -> Result<(), Trouble> {
        let billing = &self.stage.backend.billing;
        let customer = &stripe::customer(self.stage, &self.person()?.email).await?;
        let what = "a webhook of the person’s has come in".to_owned();
        until(what, || async move {
            let waiting = billing.inbox(Some(InboxState::Pending), MOST_WAITING).await;
            let waiting = waiting.map_err(ReadError::from)?;
            let theirs = waiting.iter().any(|webhook| webhook.lane == *customer);
            Ok(theirs.then_some(()))
        })
        .await
    }
}

/// What the browser has tracked has arrived. Its SDK tries again by itself, as long as a page is open.
async fn all_sent(browser: &mut Browser) -> Result<(), Trouble> {
    let began = Instant::now();
    while !browser.flush().await? {
        if began.elapsed() > PATIENCE {
            return Err(Trouble::InVain("the browser’s events have arrived".to_owned()));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// What whoever borrows the laptop leaves behind.
pub(super) fn owed_by_a_borrower() -> BTreeMap<&'static str, usize> {
    BTreeMap::from([(SignUpCompleted::NAME, 1), (SignOutCompleted::NAME, 1)])
}
