//! The command line program `bench`. It exits with a failure when a check or a limit fails.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use bench::crash::trials::{self, TrialsSettings};
use bench::crash::{self, CrashSettings};
use bench::programs::Programs;
use bench::sign_up::SignUpSettings;
use bench::timeline::TimelineSettings;
use bench::transaction::TransactionSettings;
use bench::votes::VotesSettings;
use bench::webhooks::WebhooksSettings;
use bench::{bytes, machine, sign_up, timeline, transaction, votes, webhooks};
use clap::Parser;
use db::Engine;
use tempfile::TempDir;

mod arguments;

use arguments::{
    Arguments, Command, CrashArguments, CrashCommand, FrontArguments, TrialsArguments, VotesArguments,
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
        Command::Votes(arguments) => {
            for engine in arguments.engine.list()? {
                passed &= run_votes(&arguments, engine, &mut out).await?;
            }
        }
        Command::BareServer(arguments) => {
            machine::bare_server::run(arguments.listen, &arguments.database).await?;
        }
        Command::Webhooks(arguments) => {
            for engine in arguments.engine.list()? {
                let settings = WebhooksSettings {
                    engine,
                    people: arguments.people,
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
