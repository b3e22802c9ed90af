//! The crash run of money: people go through a trial — its form, Stripe's page, a card, the first payment, the end by the
//! billing page's form — while the app is killed with `kill -9` between Stripe's call and Amplitude's answer. The stand-ins
//! are processes of their own and live on. When all is well again, everybody's timeline must be that of the one person who
//! went the same way before the first kill, and the revenue in it the money that moved.
//!
//! `plan` says at which message the app dies, `wire` holds that message up, `customer` is what people do, `story` what must
//! hold in the end.

pub(crate) mod customer;
mod plan;
mod report;
mod stage;
mod store;
mod story;
pub(crate) mod stripe;
mod wire;

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use db::{Db, Engine};
use fastrand::Rng;
use reqwest::Client;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::verdict::{self, Offence};
use super::{Figures as Deliveries, Programs};
use crate::browser::{self, Browser};
use crate::database;
use crate::process::{Process, ProcessError};
use customer::Customer;
use plan::{Kill, Round, Step};
pub use report::{Figures, Report};
use stage::Stage;
pub use story::Broken;
use story::{compare, revenue, story};
use wire::Wire;

/// Waits between attempts grow to five minutes: later than this nothing comes any more.
const SETTLE: Duration = Duration::from_secs(400);
/// Until a step and its kill are over. A lease of 30 s may have to run out first, and webhooks come again after 25 s.
const STEP: Duration = Duration::from_secs(180);
const SECOND: Duration = Duration::from_secs(1);
/// Between two looks at what is left to do.
const LOOK: Duration = Duration::from_millis(200);

/// How long and how hard a run is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The app's database.
    pub engine: Engine,
    /// Rounds, of which each moves everybody's clock by some three days. More than eight would renew the first ones.
    pub rounds: usize,
    /// People who go through a trial in each.
    pub people: usize,
    /// How often the app is killed in each; once at each of somebody's steps at most.
    pub kills: usize,
    /// What everything is drawn from.
    pub seed: u64,
}

/// Why a run came to no verdict.
#[derive(Debug, thiserror::Error)]
pub enum TrialsError {
    /// A program does not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Something is broken in front of somebody's eyes.
    #[error("{email}: {what}")]
    Customer {
        /// Who.
        email: String,
        /// What.
        what: String,
    },
    /// The message at which the app was to be killed never came, or the step came to no end.
    #[error("{what} was not done in time")]
    Stuck {
        /// The step and its kill.
        what: String,
    },
    /// Everything was well again, and still not all is done.
    #[error("{webhooks} webhooks and {events} events are still unsettled {} s after all was well", SETTLE.as_secs())]
    Unsettled {
        /// Events of Stripe's that were not stored, or not applied.
        webhooks: usize,
        /// Rows of the outbox.
        events: i64,
    },
    /// A stand-in cannot be asked.
    #[error("cannot ask a stand-in: {0}")]
    StandIn(#[from] reqwest::Error),
    /// The app's database cannot be read.
    #[error("cannot read the app's database: {0}")]
    Books(#[from] sqlx::Error),
    /// Or not be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The machine refuses something.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Runs it, with everything that the programs write in `folder`, but for a Postgres database.
///
/// # Errors
/// When it cannot come to a verdict. A verdict may still be a bad one: see [`Report::broken`].
pub async fn run(programs: &Programs, settings: &Settings, folder: &Path) -> Result<Report, TrialsError> {
    let database = database::fresh(settings.engine, folder).await;
    let client = browser::client()?;
    let started = Instant::now();
    let mut run = Run {
        stage: Stage::set(programs, folder, &database, &client).await?,
        client,
        up: watch::Sender::new(true),
        people: Vec::new(),
        figures: Figures::default(),
    };
    run.round("undisturbed", 1, &Round::in_peace(1)).await?;
    let mut rng = Rng::with_seed(settings.seed);
    for number in 1..=settings.rounds {
        let round = Round::draw(&mut rng, settings.people, settings.kills);
        run.round(&format!("round-{number}"), settings.people, &round)
            .await?;
    }
    run.figures.driven = started.elapsed();

    // Not before: an open connection of ours would keep what a killed SQLite left behind from being recovered.
    let db = Db::open(&database).await?;
    let events = run.settled(&db).await?;
    run.figures.settling = started.elapsed() - run.figures.driven;
    let broken = run.judge(&db, &events).await?;
    db.close().await;
    Ok(Report {
        settings: settings.clone(),
        figures: run.figures,
        broken,
    })
}

struct Run {
    stage: Stage,
    client: Client,
    /// Whether the app is there.
    up: watch::Sender<bool>,
    /// The first one met no kill.
    people: Vec<Customer>,
    figures: Figures,
}

impl Run {
    /// New people, from their sign-up to their cancellation.
    async fn round(&mut self, name: &str, people: usize, round: &Round) -> Result<(), TrialsError> {
        let mut these = Vec::new();
        for number in 0..people {
            // Addresses for documentation and tests (RFC 2544), one for each person.
            let everybody = u32::try_from(self.people.len() + number).unwrap_or(u32::MAX);
            let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + everybody);
            let mut customer = Customer::new(
                Browser::new(&self.client, self.stage.app.address, address),
                format!("{name}-{number}@example.com"),
                self.up.subscribe(),
            );
            customer.sign_up().await?;
            these.push(customer);
        }
        for (step, kill) in &round.0 {
            self.step(*step, *kill, &mut these).await?;
        }
        self.people.append(&mut these);
        Ok(())
    }

    async fn step(
        &mut self,
        step: Step,
        kill: Option<Kill>,
        people: &mut [Customer],
    ) -> Result<(), TrialsError> {
        let stuck = || TrialsError::Stuck {
            what: format!("{step:?} with {kill:?}"),
        };
        let Stage {
            app, wire, dashboard, ..
        } = &mut self.stage;
        let done = async {
            match kill {
                Some(kill) => {
                    let armed = wire.arm(kill);
                    tokio::try_join!(act(step, people, wire, dashboard), murder(app, armed, &self.up))
                        .map(drop)
                }
                None => tokio::select! {
                    done = act(step, people, wire, dashboard) => done,
                    ended = app.ended() => Err(ended.into()),
                },
            }
        };
        timeout(STEP, done).await.map_err(|_| stuck())??;
        if let Some(kill) = kill {
            self.figures.killed_at(kill.moment);
        }
        Ok(())
    }

    /// Waits until every event of Stripe's was applied and nothing is left to send; Stripe's events.
    async fn settled(&mut self, db: &Db) -> Result<Vec<(String, String)>, TrialsError> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let events = self.stage.dashboard.types_of_events().await?;
            let states = store::webhooks(db).await?;
            let unsettled =
                |(id, _): &&(String, String)| states.get(id).is_none_or(|state| state == "pending");
            let webhooks = events.iter().filter(unsettled).count();
            let counts = outbox::counts(db).await?;
            let unsent = counts.pending + counts.leased;
            if webhooks == 0 && unsent == 0 {
                return Ok(events);
            }
            self.stage.is_alive()?;
            if Instant::now() > deadline {
                return Err(TrialsError::Unsettled {
                    webhooks,
                    events: unsent,
                });
            }
            sleep(LOOK).await;
        }
    }

    async fn judge(&mut self, db: &Db, events: &[(String, String)]) -> Result<Vec<Broken>, TrialsError> {
        let exported = self.stage.events.exported().await?;
        let accepted = self.stage.events.accepted().await?;
        let arrivals = self.stage.events.arrivals().await?;
        let mut broken = Vec::new();
        let mut undisturbed = None;
        for person in &mut self.people {
            let email = person.email.clone();
            let Some(account) = self.stage.dashboard.account(&email).await? else {
                broken.push(Broken::NotOne { email });
                continue;
            };
            let roles = &mut person.roles;
            roles.name("customer", &account.customer);
            roles.name("subscription", &account.subscription);
            roles.name("invoice", &account.invoice);
            if let Some(at) = account.canceled_at {
                roles.name("moment of the cancellation", &at.to_string());
            }
            for (id, kind) in events {
                roles.name(kind, id);
            }
            let here = story(&exported, roles);
            let revenue = revenue(&here);
            self.figures.revenue += revenue;
            if revenue != account.money {
                broken.push(Broken::Money {
                    email: email.clone(),
                    revenue,
                    money: account.money,
                });
            }
            let there = undisturbed.get_or_insert_with(|| here.clone());
            broken.extend(compare(&email, &here, there));
        }
        for (id, state) in store::webhooks(db).await? {
            if state != "applied" {
                broken.push(Broken::Webhook { id, state });
            }
        }
        let parked = outbox::parked(db, i64::from(i32::MAX)).await?;
        let parked = parked.into_iter().map(|row| Offence::Parked {
            insert_id: row.insert_id,
            reason: row.parked_reason.unwrap_or_default(),
        });
        let panics = self.stage.app.panics().into_iter();
        let panicked = panics.map(|line| Offence::Panicked { line });
        let of_deliveries = verdict::changed(&arrivals)
            .into_iter()
            .chain(verdict::off_plan(&accepted))
            .chain(parked)
            .chain(panicked);
        broken.extend(of_deliveries.map(Broken::Delivery));

        let figures = &mut self.figures;
        figures.story = undisturbed
            .unwrap_or_default()
            .into_iter()
            .map(|event| event.name)
            .collect();
        figures.people = self.people.len();
        figures.posted_again = self.people.iter().map(|person| person.repeats).sum();
        figures.webhooks = events.len();
        figures.deliveries = Deliveries::of_arrivals(&arrivals);
        Ok(broken)
    }
}

/// What people do, and time.
async fn act(
    step: Step,
    people: &mut [Customer],
    wire: &Wire,
    dashboard: &stripe::StandIn,
) -> Result<(), TrialsError> {
    match step {
        Step::Order(number) => people[number].order().await,
        Step::Complete(number) => {
            let back = people[number].complete().await?;
            wire.completed().await;
            people[number].return_to(&back).await
        }
        Step::TrialEnd => {
            for person in people {
                let email = person.email.clone();
                let account = dashboard.account(&email).await?;
                let account = account.ok_or_else(|| TrialsError::Customer {
                    email,
                    what: "Stripe has no subscription, or more than one".to_owned(),
                })?;
                dashboard.give_card(&account.customer).await?;
            }
            // Stripe tells moments in whole seconds, and nobody's trial ends in the second in which it began.
            sleep(SECOND).await;
            Ok(dashboard.end_trials().await?)
        }
        Step::Cancel(number) => people[number].cancel().await,
    }
}

/// `kill -9` when the message is there, and a new start.
async fn murder(
    app: &mut Process,
    mut armed: wire::Armed,
    up: &watch::Sender<bool>,
) -> Result<(), TrialsError> {
    tokio::select! {
        () = armed.caught() => {}
        ended = app.ended() => return Err(ended.into()),
    }
    up.send_replace(false);
    app.kill().await?;
    armed.let_go();
    app.is_there().await?;
    up.send_replace(true);
    Ok(())
}
