//! The command line of the bench.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use db::Engine;

/// Benchmarks and crash tests of Seamline.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The bytes that a browser downloads for each page.
    Bytes(FrontArguments),
    /// The cost of a claim of the outbox as the table grows.
    Claims(ClaimsArguments),
    /// Users sign up while the app is killed and the collector injects faults; then the database and the collector are
    /// compared.
    Crash(CrashArguments),
    /// Durable events to a collector: events per second, CPU time and memory of the sending process.
    Outbox(OutboxArguments),
    /// The sending process of `outbox`.
    #[command(hide = true)]
    OutboxSender(OutboxSenderArguments),
    /// Documents under load: requests per second, response times, memory, cold start.
    Pages(PagesArguments),
    /// One to three servers behind nginx on Postgres with a mixed load, while one is killed and one added.
    Scale(ScaleArguments),
    /// The time of a sign-up request with tracking and without.
    SignUp(SignUpArguments),
    /// The time of a sign-up's transaction with its event and without.
    Transaction(TransactionArguments),
    /// The timeline of a user with many events, in a real browser.
    Timeline(TimelineArguments),
    /// Many voters on one poll, with open pages.
    Votes(VotesArguments),
    /// A server that `webhooks` starts and compares the app with.
    #[command(hide = true)]
    BareServer(BareServerArguments),
    /// Signed webhooks to the real route, and the time until their events are in the outbox.
    Webhooks(WebhooksArguments),
}

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct CrashArguments {
    #[command(subcommand)]
    pub(crate) command: Option<CrashCommand>,
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub(crate) engine: Engines,
    /// Number of sign-ups.
    #[arg(long, default_value_t = 200)]
    pub(crate) sign_ups: usize,
    /// How often the app is killed.
    #[arg(long, default_value_t = 20)]
    pub(crate) kills: usize,
    /// Concurrent visitors.
    #[arg(long, default_value_t = 8)]
    pub(crate) visitors: usize,
    /// Seed of all random choices; random by default.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}

#[derive(Subcommand)]
pub(crate) enum CrashCommand {
    /// Users go through a trial while the app is killed between Stripe's request and Amplitude's answer.
    Trials(TrialsArguments),
}

#[derive(clap::Args)]
pub(crate) struct TrialsArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub(crate) engine: Engines,
    /// Number of rounds; at the end of each, all trials of the round end.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub(crate) rounds: u8,
    /// Users in each round.
    #[arg(long, default_value_t = 4)]
    pub(crate) people: usize,
    /// Kills in each round, at most one per step.
    #[arg(long, default_value_t = 10)]
    pub(crate) kills: usize,
    /// Seed of all random choices; random by default.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}

#[derive(clap::Args)]
pub(crate) struct SignUpArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub(crate) engine: Engines,
    /// Requests with tracking, and as many without.
    #[arg(long, default_value_t = 3_000)]
    pub(crate) requests: usize,
    /// Concurrent requests.
    #[arg(long, default_value_t = 2)]
    pub(crate) concurrency: usize,
}

#[derive(clap::Args)]
pub(crate) struct TransactionArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub(crate) engine: Engines,
    /// Transactions with an event, and as many without.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) transactions: usize,
}

/// The built front end, and the scripts that measure it in a browser.
#[derive(clap::Args)]
pub(crate) struct FrontArguments {
    /// The folder of the built front end.
    #[arg(long, default_value = "target/site")]
    pub(crate) site: PathBuf,
    /// The folder of the browser tests with their installed packages.
    #[arg(long, default_value = "end2end")]
    pub(crate) scripts: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct PagesArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub(crate) engine: Engines,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) connections: u16,
    /// Seconds of load on a page before it is measured.
    #[arg(long, default_value_t = 2)]
    pub(crate) warm_up: u64,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// The folder of the built front end.
    #[arg(long, default_value = "target/site")]
    pub(crate) site: PathBuf,
    /// The address of another site on this machine, like 127.0.0.1:3900, which is measured as well.
    #[arg(long, value_parser = parse_loopback)]
    pub(crate) peer: Option<SocketAddr>,
    /// The process ID of the peer, for its CPU time and memory.
    #[arg(long, requires = "peer")]
    pub(crate) peer_pid: Option<u32>,
}

/// Reads an address or an http URL of this machine. Load is never sent to another one.
fn parse_loopback(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim_start_matches("http://").trim_end_matches('/');
    let address: SocketAddr = text.parse().map_err(|error| format!("{error}"))?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err("the peer must listen on a loopback address".to_owned()),
    }
}

#[derive(clap::Args)]
pub(crate) struct TimelineArguments {
    #[command(flatten)]
    pub(crate) front: FrontArguments,
    /// Number of sessions.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) sessions: usize,
    /// Events in each session.
    #[arg(long, default_value_t = 25)]
    pub(crate) each: usize,
    /// How often the page is opened.
    #[arg(long, default_value_t = 7)]
    pub(crate) openings: u32,
    /// How many pages of earlier sessions are opened.
    #[arg(long, default_value_t = 20)]
    pub(crate) pages: u32,
}

#[derive(clap::Args)]
pub(crate) struct VotesArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub(crate) engine: Engines,
    /// Number of voters.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) voters: u32,
    /// Number of open pages.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=2_000))]
    pub(crate) live: u32,
    /// Duration; each voter votes once in each minute.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) minutes: u32,
}

#[derive(clap::Args)]
pub(crate) struct BareServerArguments {
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    #[arg(long)]
    pub(crate) database: String,
}

#[derive(clap::Args)]
pub(crate) struct WebhooksArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub(crate) engine: Engines,
    /// Users whose webhooks are posted at once; each starts a trial and causes about four webhooks.
    #[arg(long, default_value_t = 150)]
    pub(crate) people: usize,
    /// Users whose webhooks are posted at an even rate afterwards.
    #[arg(long, default_value_t = 150)]
    pub(crate) paced_people: usize,
    /// Webhooks per second of the even rate.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
    /// Concurrent webhooks of those that are posted at once.
    #[arg(long, default_value_t = 64)]
    pub(crate) concurrency: usize,
}

#[derive(clap::Args)]
pub(crate) struct OutboxArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub(crate) engine: Engines,
    /// Number of events.
    #[arg(long, default_value_t = 50_000)]
    pub(crate) events: usize,
    /// Number of users that have the events.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) users: usize,
    /// The delay of each answer in the second pass, in ms.
    #[arg(long, default_value_t = 200)]
    pub(crate) delay_ms: u64,
}

#[derive(clap::Args)]
pub(crate) struct OutboxSenderArguments {
    #[arg(long)]
    pub(crate) database: String,
    #[arg(long)]
    pub(crate) collector: String,
}

#[derive(clap::Args)]
pub(crate) struct ClaimsArguments {
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub(crate) engine: Engines,
    /// Pending rows of the largest table.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) pending: u64,
    /// Sent rows of the larger tables.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) sent: u64,
}

#[derive(clap::Args)]
pub(crate) struct ScaleArguments {
    /// Duration of the load; each of the five phases has a fifth.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub(crate) minutes: u32,
    /// Users who open pages and vote without pauses.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) users: u32,
    /// Number of voters; the users vote as each of them in turn.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) voters: u32,
    /// Number of polls that they vote on.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) polls: u32,
    /// Sign-ups per second; each starts a trial and causes about four webhooks.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) sign_ups_per_second: u32,
    /// Number of open pages with an event stream.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=250))]
    pub(crate) live: u32,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Engines {
    Sqlite,
    Postgres,
    Both,
}

impl Engines {
    /// Returns the engines to run on. Fails without a Postgres server for Postgres.
    pub(crate) fn list(self) -> Result<Vec<Engine>, Box<dyn Error>> {
        let wanted = match self {
            Self::Sqlite => vec![Engine::Sqlite],
            Self::Postgres => vec![Engine::Postgres],
            Self::Both => vec![Engine::Sqlite, Engine::Postgres],
        };
        let available = db::testing::engines();
        if wanted.iter().all(|engine| available.contains(engine)) {
            Ok(wanted)
        } else {
            Err("TEST_POSTGRES_URL must name a Postgres server; --engine sqlite does without".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_on_this_machine() {
        let peer = SocketAddr::from(([127, 0, 0, 1], 3900));
        for text in [
            "127.0.0.1:3900",
            "http://127.0.0.1:3900",
            "http://127.0.0.1:3900/",
        ] {
            assert_eq!(parse_loopback(text), Ok(peer), "{text}");
        }
        for text in ["192.0.2.1:80", "http://example.com/", "127.0.0.1"] {
            assert!(parse_loopback(text).is_err(), "{text}");
        }
    }
}
