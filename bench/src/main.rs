//! `bench`: the crash run and the measurements. A broken promise ends it with a failure.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use bench::crash::{self, Programs};
use bench::{bytes, sign_up, timeline, transaction, votes, webhooks};
use clap::{Parser, Subcommand, ValueEnum};
use db::Engine;
use tempfile::TempDir;

/// What Seamline promises, measured.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What a browser downloads for each page.
    Bytes(FrontArguments),
    /// People sign up while the app is killed and the collector misbehaves; afterwards everything must add up.
    Crash(CrashArguments),
    /// A sign-up request with tracking and without.
    SignUp(SignUpArguments),
    /// The transaction of a sign-up with its event and without.
    Transaction(TransactionArguments),
    /// The timeline of somebody with a long story, in a real browser.
    Timeline(TimelineArguments),
    /// Many voters on one poll, with pages that stay open.
    Votes(VotesArguments),
    /// Signed webhooks by the real route, and their events in the outbox.
    Webhooks(WebhooksArguments),
}

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
struct CrashArguments {
    #[command(subcommand)]
    of: Option<CrashOf>,
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    engine: Engines,
    /// People who sign up.
    #[arg(long, default_value_t = 200)]
    sign_ups: usize,
    /// How often the app is killed.
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// People on the site at the same time.
    #[arg(long, default_value_t = 8)]
    visitors: usize,
    /// What everything is drawn from; without it, anything.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Subcommand)]
enum CrashOf {
    /// People go through a trial while the app is killed between Stripe's call and Amplitude's answer.
    Trials(TrialsArguments),
}

#[derive(clap::Args)]
struct TrialsArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    engine: Engines,
    /// Rounds of people; each ends everybody's trial once.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=8))]
    rounds: u8,
    /// People in each round.
    #[arg(long, default_value_t = 4)]
    people: usize,
    /// How often the app is killed in each round.
    #[arg(long, default_value_t = 10)]
    kills: usize,
    /// What everything is drawn from; without it, anything.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(clap::Args)]
struct SignUpArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    engine: Engines,
    /// Requests of each kind.
    #[arg(long, default_value_t = 3_000)]
    requests: usize,
    /// Requests at the same time.
    #[arg(long, default_value_t = 2)]
    concurrency: usize,
}

#[derive(clap::Args)]
struct TransactionArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    engine: Engines,
    /// Transactions of each kind.
    #[arg(long, default_value_t = 10_000)]
    transactions: usize,
}

/// A front that was built, and a browser to load it.
#[derive(clap::Args)]
struct FrontArguments {
    /// Where the front was built to.
    #[arg(long, default_value = "target/site")]
    site: PathBuf,
    /// The folder of the browser tests, with its packages.
    #[arg(long, default_value = "end2end")]
    scripts: PathBuf,
}

#[derive(clap::Args)]
struct TimelineArguments {
    #[command(flatten)]
    front: FrontArguments,
    /// Sessions of the story.
    #[arg(long, default_value_t = 2_000)]
    sessions: usize,
    /// Events in each.
    #[arg(long, default_value_t = 25)]
    each: usize,
    /// How often the page is opened.
    #[arg(long, default_value_t = 7)]
    openings: u32,
    /// How many pages of earlier sessions are opened.
    #[arg(long, default_value_t = 20)]
    pages: u32,
}

#[derive(clap::Args)]
struct VotesArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    engine: Engines,
    /// People who vote.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    voters: u32,
    /// Pages that stay open.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=2_000))]
    live: u32,
    /// How long it goes on: everybody votes in the first minute and votes anew in each later one.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    minutes: u32,
}

#[derive(clap::Args)]
struct WebhooksArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    engine: Engines,
    /// People who start a trial; each makes some five webhooks.
    #[arg(long, default_value_t = 300)]
    people: usize,
    /// Webhooks a second, after those that come all at once.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Webhooks on their way at the same time.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Engines {
    Sqlite,
    Postgres,
    Both,
}

impl Engines {
    fn list(self) -> Result<Vec<Engine>, Box<dyn Error>> {
        let wanted = match self {
            Self::Sqlite => vec![Engine::Sqlite],
            Self::Postgres => vec![Engine::Postgres],
            Self::Both => vec![Engine::Sqlite, Engine::Postgres],
        };
        let at_hand = db::testing::engines();
        if wanted.iter().all(|engine| at_hand.contains(engine)) {
            Ok(wanted)
        } else {
            Err("TEST_POSTGRES_URL must name a Postgres server; --engine sqlite does without".into())
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// `false`: a promise was broken.
async fn run(command: Command) -> Result<bool, Box<dyn Error>> {
    let mut out = std::io::stdout();
    let mut all_is_well = true;
    match command {
        Command::Crash(CrashArguments {
            of: Some(CrashOf::Trials(arguments)),
            ..
        }) => {
            for engine in arguments.engine.list()? {
                all_is_well &= trials(&arguments, engine, &mut out).await?;
            }
        }
        Command::Crash(arguments) => {
            for engine in arguments.engine.list()? {
                all_is_well &= crash(&arguments, engine, &mut out).await?;
            }
        }
        Command::SignUp(arguments) => {
            for engine in arguments.engine.list()? {
                let settings = sign_up::Settings {
                    engine,
                    requests: arguments.requests,
                    concurrency: arguments.concurrency,
                };
                writeln!(out, "{}", sign_up::run(&settings).await?)?;
            }
        }
        Command::Timeline(arguments) => {
            let settings = timeline::Settings {
                sessions: arguments.sessions,
                each: arguments.each,
                openings: arguments.openings,
                pages: arguments.pages,
            };
            let FrontArguments { site, scripts } = arguments.front;
            let site = site.canonicalize()?;
            let report = timeline::run(&programs()?.app, &site, &scripts, &settings).await?;
            writeln!(out, "{report}")?;
            all_is_well &= report.holds();
        }
        Command::Bytes(FrontArguments { site, scripts }) => {
            let report = bytes::run(&programs()?.app, &site.canonicalize()?, &scripts).await?;
            writeln!(out, "{report}")?;
            all_is_well &= report.holds();
        }
        Command::Votes(arguments) => {
            for engine in arguments.engine.list()? {
                all_is_well &= votes(&arguments, engine, &mut out).await?;
            }
        }
        Command::Webhooks(arguments) => {
            for engine in arguments.engine.list()? {
                let settings = webhooks::Settings {
                    engine,
                    people: arguments.people,
                    rate: arguments.rate,
                    concurrency: arguments.concurrency,
                };
                let report = webhooks::run(&programs()?, &settings).await?;
                writeln!(out, "{report}")?;
                all_is_well &= report.holds();
            }
        }
        Command::Transaction(arguments) => {
            for engine in arguments.engine.list()? {
                let settings = transaction::Settings {
                    engine,
                    transactions: arguments.transactions,
                };
                writeln!(out, "{}", transaction::run(&settings).await?)?;
            }
        }
    }
    Ok(all_is_well)
}

/// `false`: a promise was broken.
async fn votes(
    arguments: &VotesArguments,
    engine: Engine,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let settings = votes::Settings {
        engine,
        voters: arguments.voters,
        live: arguments.live,
        minutes: arguments.minutes,
    };
    let report = votes::run(&programs()?.app, &settings).await?;
    writeln!(out, "{report}")?;
    Ok(report.holds())
}

/// `false`: a promise was broken.
async fn crash(
    arguments: &CrashArguments,
    engine: Engine,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let settings = crash::Settings {
        engine,
        sign_ups: arguments.sign_ups,
        kills: arguments.kills,
        visitors: arguments.visitors,
        seed: seed(arguments.seed),
    };
    writeln!(out, "seed {} …", settings.seed)?;
    let folder = tempfile::tempdir()?;
    let outcome = crash::run(&programs()?, &settings, folder.path()).await;
    let is_well = outcome.as_ref().is_ok_and(|report| report.offences.is_empty());
    keep_unless(is_well, folder, out)?;
    writeln!(out, "{}", outcome?)?;
    Ok(is_well)
}

/// `false`: a promise was broken.
async fn trials(
    arguments: &TrialsArguments,
    engine: Engine,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let settings = crash::trials::Settings {
        engine,
        rounds: arguments.rounds.into(),
        people: arguments.people,
        kills: arguments.kills,
        seed: seed(arguments.seed),
    };
    writeln!(out, "seed {} …", settings.seed)?;
    let folder = tempfile::tempdir()?;
    let outcome = crash::trials::run(&programs()?, &settings, folder.path()).await;
    let is_well = outcome.as_ref().is_ok_and(|report| report.broken.is_empty());
    keep_unless(is_well, folder, out)?;
    writeln!(out, "{}", outcome?)?;
    Ok(is_well)
}

/// Those that were built with this one.
fn programs() -> Result<Programs, Box<dyn Error>> {
    let this = std::env::current_exe()?;
    Ok(Programs::in_folder(
        this.parent().ok_or("this program is in no folder")?,
    ))
}

fn seed(given: Option<u64>) -> u64 {
    given.unwrap_or_else(|| u64::from(fastrand::u32(..)))
}

/// After a broken promise or an error, what the programs left behind is kept.
fn keep_unless(is_well: bool, folder: TempDir, out: &mut impl Write) -> std::io::Result<()> {
    if !is_well {
        writeln!(out, "logs and databases are in {}", folder.keep().display())?;
    }
    Ok(())
}
