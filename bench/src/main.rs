//! The command line program `bench`. It exits with a failure when a check or a limit fails.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use bench::claims::{self, ClaimsSettings};
use bench::crash::trials::{self, TrialsSettings};
use bench::crash::{self, CrashSettings};
use bench::deliveries::{self, DeliveriesSettings, sender};
use bench::pages::{LoadSettings, PagesSettings, PeerSettings};
use bench::programs::Programs;
use bench::scale::{self, ScaleReport, ScaleSettings};
use bench::sign_up::SignUpSettings;
use bench::timeline::TimelineSettings;
use bench::transaction::TransactionSettings;
use bench::votes::VotesSettings;
use bench::webhooks::WebhooksSettings;
use bench::{bytes, machine, pages, sign_up, timeline, transaction, votes, webhooks};
use clap::Parser;
use db::Engine;
use tempfile::TempDir;

mod arguments;

use arguments::{
    Arguments, Command, CrashArguments, CrashCommand, Engines, FrontArguments, PagesArguments,
    ScaleArguments, TrialsArguments, VotesArguments,
};

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

/// Runs a command on each engine. Returns `false` when a check or a limit failed.
async fn run(command: Command) -> Result<bool, Box<dyn Error>> {
    let mut out = std::io::stdout();
    let mut passed = true;
    match command {
        Command::Crash(CrashArguments {
            command: Some(CrashCommand::Trials(arguments)),
            ..
        }) => {
            for engine in arguments.engine.list()? {
                passed &= run_trials(&arguments, engine, &mut out).await?;
            }
        }
        Command::Crash(arguments) => {
            for engine in arguments.engine.list()? {
                passed &= run_crash(&arguments, engine, &mut out).await?;
            }
        }
        Command::SignUp(arguments) => {
            for engine in arguments.engine.list()? {
                let settings = SignUpSettings {
                    engine,
                    requests: arguments.requests,
                    concurrency: arguments.concurrency,
                };
                writeln!(out, "{}", sign_up::run(&settings).await?)?;
            }
        }
        Command::Timeline(arguments) => {
            let settings = TimelineSettings {
                sessions: arguments.sessions,
                each: arguments.each,
                openings: arguments.openings,
                pages: arguments.pages,
            };
            let FrontArguments { site, scripts } = arguments.front;
            let site = site.canonicalize()?;
            let report = timeline::run(&programs()?.app, &site, &scripts, &settings).await?;
            writeln!(out, "{report}")?;
            passed &= report.holds();
        }
        Command::Bytes(FrontArguments { site, scripts }) => {
            let report = bytes::run(&programs()?.app, &site.canonicalize()?, &scripts).await?;
            writeln!(out, "{report}")?;
            passed &= report.holds();
        }
        Command::Pages(arguments) => {
            for engine in arguments.engine.list()? {
                passed &= run_pages(&arguments, engine, &mut out).await?;
            }
        }
        Command::Votes(arguments) => {
            for engine in arguments.engine.list()? {
                passed &= run_votes(&arguments, engine, &mut out).await?;
            }
        }
        Command::BareServer(arguments) => {
            machine::bare_server::run(arguments.listen, &arguments.database).await?;
        }
        Command::Claims(arguments) => {
            for engine in arguments.engine.list()? {
                let settings = ClaimsSettings {
                    engine,
                    pending: arguments.pending,
                    sent: arguments.sent,
                };
                let report = claims::run(&settings).await?;
                writeln!(out, "{report}")?;
                passed &= report.holds();
            }
        }
        Command::Scale(arguments) => passed &= run_scale(&arguments, &mut out).await?,
        Command::Outbox(arguments) => {
            for engine in arguments.engine.list()? {
                let settings = DeliveriesSettings {
                    engine,
                    events: arguments.events.max(1),
                    users: arguments.users.max(1),
                    delay: Duration::from_millis(arguments.delay_ms),
                };
                let report = deliveries::run(&settings).await?;
                writeln!(out, "{report}")?;
                passed &= report.holds();
            }
        }
        Command::OutboxSender(arguments) => {
            sender::run(&arguments.database, &arguments.collector).await?;
        }
        Command::Webhooks(arguments) => {
            for engine in arguments.engine.list()? {
                let settings = WebhooksSettings {
                    engine,
                    people: arguments.people.max(1),
                    paced_people: arguments.paced_people,
                    rate: arguments.rate,
                    concurrency: arguments.concurrency,
                };
                let report = webhooks::run(&programs()?, &settings).await?;
                writeln!(out, "{report}")?;
                passed &= report.holds();
            }
        }
        Command::Transaction(arguments) => {
            for engine in arguments.engine.list()? {
                let settings = TransactionSettings {
                    engine,
                    transactions: arguments.transactions,
                };
                let report = transaction::run(&settings).await?;
                writeln!(out, "{report}")?;
                passed &= report.holds();
            }
        }
    }
    Ok(passed)
}

/// Runs `pages` on one engine. Returns whether it passed.
async fn run_pages(
    arguments: &PagesArguments,
    engine: Engine,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let settings = PagesSettings {
        engine,
        load: LoadSettings {
            connections: arguments.connections,
            warm_up: Duration::from_secs(arguments.warm_up),
            duration: Duration::from_secs(arguments.seconds),
        },
        site: arguments.site.canonicalize()?,
        peer: arguments.peer.map(|address| PeerSettings {
            address,
            process: arguments.peer_pid,
        }),
    };
    let report = pages::run(&programs()?, &settings).await?;
    writeln!(out, "{report}")?;
    Ok(report.holds())
}

/// Runs `votes` on one engine. Returns whether it passed.
async fn run_votes(
    arguments: &VotesArguments,
    engine: Engine,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let settings = VotesSettings {
        engine,
        voters: arguments.voters,
        live: arguments.live,
        minutes: arguments.minutes,
    };
    let report = votes::run(&programs()?.app, &settings).await?;
    writeln!(out, "{report}")?;
    Ok(report.holds())
}

/// Runs `scale`, which needs Postgres. Returns whether it passed.
async fn run_scale(arguments: &ScaleArguments, out: &mut impl Write) -> Result<bool, Box<dyn Error>> {
    Engines::Postgres.list()?;
    let settings = ScaleSettings {
        minutes: arguments.minutes,
        users: arguments.users,
        voters: arguments.voters,
        polls: arguments.polls,
        sign_ups_per_second: arguments.sign_ups_per_second,
        live: arguments.live,
    };
    let folder = tempfile::tempdir()?;
    let result = scale::run(&programs()?, &settings, folder.path()).await;
    let passed = result.as_ref().is_ok_and(ScaleReport::holds);
    keep_folder_unless(passed, folder, out)?;
    writeln!(out, "{}", result?)?;
    Ok(passed)
}

/// Runs `crash` on one engine. Returns whether it passed.
async fn run_crash(
    arguments: &CrashArguments,
    engine: Engine,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let settings = CrashSettings {
        engine,
        sign_ups: arguments.sign_ups,
        kills: arguments.kills,
        visitors: arguments.visitors,
        seed: seed(arguments.seed),
    };
    writeln!(out, "seed {} …", settings.seed)?;
    let folder = tempfile::tempdir()?;
    let result = crash::run(&programs()?, &settings, folder.path()).await;
    let passed = result.as_ref().is_ok_and(|report| report.violations.is_empty());
    keep_folder_unless(passed, folder, out)?;
    writeln!(out, "{}", result?)?;
    Ok(passed)
}

/// Runs `crash trials` on one engine. Returns whether it passed.
async fn run_trials(
    arguments: &TrialsArguments,
    engine: Engine,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let settings = TrialsSettings {
        engine,
        rounds: arguments.rounds.into(),
        people: arguments.people,
        kills: arguments.kills,
        seed: seed(arguments.seed),
    };
    writeln!(out, "seed {} …", settings.seed)?;
    let folder = tempfile::tempdir()?;
    let result = trials::run(&programs()?, &settings, folder.path()).await;
    let passed = result.as_ref().is_ok_and(|report| report.violations.is_empty());
    keep_folder_unless(passed, folder, out)?;
    writeln!(out, "{}", result?)?;
    Ok(passed)
}

/// Returns the programs in the folder of this executable.
fn programs() -> Result<Programs, Box<dyn Error>> {
    let this = std::env::current_exe()?;
    Ok(Programs::in_folder(
        this.parent().ok_or("this program is in no folder")?,
    ))
}

fn seed(given: Option<u64>) -> u64 {
    given.unwrap_or_else(|| u64::from(fastrand::u32(..)))
}

/// Keeps logs and databases unless the run passed.
fn keep_folder_unless(passed: bool, folder: TempDir, out: &mut impl Write) -> std::io::Result<()> {
    if !passed {
        writeln!(out, "logs and databases are in {}", folder.keep().display())?;
    }
    Ok(())
}
