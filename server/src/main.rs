//! `seamline`: serves the app. Settings come from the environment; `.env.example` lists them.

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use backend::config::{Config, LogFormat};
use clap::{Parser, Subcommand};
use server::{Server, commands, telemetry};
use tokio_util::sync::CancellationToken;

/// A document makes a thousand small allocations. With glibc's allocator they take twice the time, and
/// the process keeps more memory that it has freed. jemalloc serves SQLite and zstd too.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Seamline: hybrid tracking done right. Without a command it serves the app.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the app.
    Serve,
    /// Creates the product, prices and portal configuration that are missing on Stripe's account.
    SetupStripe,
    /// Asks the running server at LEPTOS_SITE_ADDR whether it is ready. The exit status is 0 if it is.
    Health,
    /// Brings the database's schema to this version.
    Migrate,
    /// Copies the SQLite database to a new file while servers use it.
    Backup {
        /// The file to write. It must not exist.
        file: PathBuf,
    },
    /// Puts a copy in the place of the SQLite database. The server must be stopped.
    Restore {
        /// The file that `backup` wrote. It stays.
        file: PathBuf,
        /// Replace an existing database, and keep it under another name.
        #[arg(long)]
        replace: bool,
    },
    /// Tests the settings and the services that they name, one line each. The exit status is 0 if there is no error.
    CheckConfig,
    /// Receives the events of Stripe's list again, after an outage longer than Stripe's retries.
    ReplayWebhooks {
        /// A duration such as 3d or 12h, or a time such as 2026-01-31T08:00:00Z; 30 days ago at most.
        #[arg(long)]
        since: String,
    },
    /// Checks a user's timeline, rule by rule. The exit status is 0 if it is clean, 1 if not, and 2 if it cannot be read.
    Verdict {
        /// User ID, device ID or Amplitude ID.
        #[arg(long)]
        user: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Adds, removes or lists operators: accounts that may read every timeline and replay parked work.
    #[command(subcommand)]
    Operator(OperatorCommand),
}

#[derive(Subcommand)]
enum OperatorCommand {
    /// Makes the account with this address an operator. The account must have confirmed the address.
    Add {
        /// The account's email address.
        mail: String,
    },
    /// Ends the right of the account with this address.
    Remove {
        /// The account's email address.
        mail: String,
    },
    /// Lists the operators, one a line.
    List,
}

#[tokio::main]
async fn main() -> ExitCode {
    let format = LogFormat::read(|name| std::env::var(name).ok());
    let traces = telemetry::start(*format.as_ref().unwrap_or(&LogFormat::Text));
    let arguments = Arguments::parse();
    if let Err(error) = format {
        tracing::error!("{error}");
        return ExitCode::FAILURE;
    }
    let failure = match arguments.command {
        Some(Command::Verdict { .. }) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    };
    let code = match run(arguments).await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error}");
            failure
        }
    };
    if let Some(traces) = traces {
        traces.shut_down();
    }
    code
}

async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let command = arguments.command.unwrap_or(Command::Serve);
    let config = match Config::from_env() {
        // Not in the log, because it is the result.
        Err(error) if matches!(command, Command::CheckConfig) => {
            print(commands::refused_config(&error))?;
            return Ok(ExitCode::FAILURE);
        }
        config => config?,
    };
    match command {
        Command::Serve => serve(config).await?,
        Command::SetupStripe => commands::set_up_stripe(&config).await?,
        Command::Health => commands::health(&config).await?,
        Command::Migrate => commands::migrate(&config).await?,
        Command::Backup { file } => commands::back_up(&config, &file).await?,
        Command::Restore { file, replace } => {
            print(commands::restore(&config, &file, replace).await?)?;
        }
        Command::CheckConfig => {
            let report = commands::check_config(&config).await;
            print(&report)?;
            return Ok(ExitCode::from(u8::from(report.has_error())));
        }
        Command::ReplayWebhooks { since } => {
            print(commands::replay_webhooks(&config, &since).await?)?;
        }
        Command::Verdict { user, json } => {
            let verdict = commands::verdict(&config, &user).await?;
            let text = match json {
                true => format!("{}\n", serde_json::to_string_pretty(&verdict)?),
                false => commands::verdict_text(&verdict),
            };
            print(text)?;
            return Ok(ExitCode::from(u8::from(!verdict.clean)));
        }
        Command::Operator(command) => {
            let accounts = commands::accounts(&config).await?;
            let text = match command {
                OperatorCommand::Add { mail } => commands::add_operator(&accounts, &mail).await?,
                OperatorCommand::Remove { mail } => commands::remove_operator(&accounts, &mail).await?,
                OperatorCommand::List => commands::list_operators(&accounts).await?,
            };
            print(text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the result of a command to standard output.
fn print(text: impl Display) -> std::io::Result<()> {
    write!(std::io::stdout(), "{text}")
}

async fn serve(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start(config).await?;
    tracing::info!("Seamline is at {}", server.public_url());
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    Ok(server.run(stop).await?)
}

/// Cancels `stop` on Ctrl-C or SIGTERM.
async fn stop_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        // Without a handler SIGTERM ends the process, as it does by default.
        Err(_) => drop(interrupt.await),
    }
    tracing::info!("stopping: open requests and the current batch are finished first");
    stop.cancel();
}
