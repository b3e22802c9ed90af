//! The processes of a run: servers, nginx, the stand-ins and Postgres; and the comparison at its end.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use db::Db;
use reqwest::Client;
use tokio::time::{Instant, sleep};

use super::load::{LoadResult, LoadTarget, StreamPage};
use super::nginx::LoadBalancer;
use super::report::ExactnessCheck;
use super::server::ServerTemplate;
use super::{CHECK_INTERVAL, SETTLE_TIMEOUT, ScaleError, ScaleStep, store};
use crate::crash::Violation;
use crate::crash::checks::{self, AcceptedEvent};
use crate::crash::collector::CollectorClient;
use crate::crash::trials::stripe::StripeDashboard;
use crate::process::{Process, ProcessError};
use crate::programs::Programs;
use crate::votes::PollDatabase;
use crate::{crash, database, ports, resources, webhooks};

/// Limit until each open page shows the last vote.
const PAGE_UPDATE_TIMEOUT: Duration = Duration::from_secs(10);
/// The events that `crash::checks` derives from accounts and logins.
const ACCOUNT_EVENTS: [&str; 3] = ["Sign-up completed", "Sign-in completed", "Sign-out completed"];

/// All processes but this one.
pub(super) struct Cluster {
    template: ServerTemplate,
    /// The running servers, oldest first, each with its number.
    pub(super) servers: Vec<(usize, Process)>,
    killed: Vec<Process>,
    pub(super) balancer: LoadBalancer,
    stripe: Process,
    collector: Process,
    pub(super) dashboard: StripeDashboard,
    pub(super) db: Db,
    /// The Postgres server, if it runs on this machine.
    postgres: Option<u32>,
}

impl Cluster {
    /// Starts the stand-ins, one server and nginx.
    pub(super) async fn start(
        programs: &Programs,
        folder: &Path,
        database: &str,
        client: &Client,
    ) -> Result<Self, ScaleError> {
        if !LoadBalancer::is_installed() {
            return Err(ScaleError::NoNginx);
        }
        let plan = folder.join("plan.json");
        fs::write(&plan, tracking::catalog::plan_schema().to_string())?;
        let process = |name, program, ready_path| -> Result<Process, ScaleError> {
            Ok(Process::new(
                name,
                program,
                ports::find_free()?,
                ready_path,
                folder,
                client,
            ))
        };
        let mut stripe = process("stripe-local", &programs.stripe, "/_sim/clock")?;
        stripe.arguments = vec![
            "--listen".into(),
            stripe.address.to_string().into(),
            "--allow-release".into(),
        ];
        let mut collector = process("amplitude-local", &programs.collector, "/local/faults")?;
        collector.arguments = vec![
            "--listen".into(),
            collector.address.to_string().into(),
            "--state".into(),
            folder.join("amplitude.db").into(),
            "--plan".into(),
            plan.into(),
        ];
        stripe.ensure_ready().await?;
        collector.ensure_ready().await?;
        let site = ports::find_free()?;
        let template = ServerTemplate {
            program: programs.app.clone(),
            folder: folder.to_owned(),
            database: database.to_owned(),
            site,
            stripe: stripe.address,
            collector: collector.address,
            client: client.clone(),
        };
        let mut server = template.server(1)?;
        server.ensure_ready().await?;
        let db = Db::open(database).await?;
        let postgres = store::backend_process(&db).await?;
        Ok(Self {
            balancer: LoadBalancer::start(site, &[server.address], folder, client).await?,
            template,
            servers: vec![(1, server)],
            killed: Vec::new(),
            dashboard: StripeDashboard {
                client: client.clone(),
                address: stripe.address,
            },
            stripe,
            collector,
            db,
            postgres: postgres.and_then(resources::postgres_server),
        })
    }

    pub(super) async fn change(&mut self, step: ScaleStep) -> Result<(), ScaleError> {
        match step {
            ScaleStep::First => Ok(()),
            ScaleStep::Kill => {
                let (_, mut server) = self.servers.remove(0);
                server.kill().await?;
                self.killed.push(server);
                Ok(())
            }
            ScaleStep::Add => {
                let number = self.servers.len() + self.killed.len() + 1;
                let mut server = self.template.server(number)?;
                server.ensure_ready().await?;
                self.servers.push((number, server));
                let addresses: Vec<_> = self.servers.iter().map(|(_, server)| server.address).collect();
                self.balancer.set_servers(&addresses).await
            }
        }
    }

    pub(super) fn check_running(&mut self) -> Result<(), ProcessError> {
        self.balancer.process.check_running()?;
        self.stripe.check_running()?;
        self.collector.check_running()?;
        self.servers
            .iter_mut()
            .try_for_each(|(_, server)| server.check_running())
    }

    /// Returns the CPU time so far in s, by process.
    pub(super) fn cpu_secs(&self) -> BTreeMap<String, f64> {
        let servers = self
            .servers
            .iter()
            .map(|(number, server)| (format!("server {number}"), server.cpu_secs()));
        let tree = |process: Option<u32>| process.map_or(0.0, resources::cpu_secs_of_tree);
        let others = [
            ("nginx", tree(self.balancer.process.id())),
            ("Postgres", tree(self.postgres)),
            ("stand-ins", self.stripe.cpu_secs() + self.collector.cpu_secs()),
            ("load", resources::cpu_secs(std::process::id())),
        ];
        let others = others.map(|(name, secs)| (name.to_owned(), secs));
        servers.chain(others).collect()
    }

    /// Waits until no webhook and no event is pending.
    pub(super) async fn wait_until_settled(&mut self) -> Result<(), ScaleError> {
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        loop {
            let webhooks = webhooks::store::count_in_state(&self.db, "pending").await?;
            let events = database::count_events(&self.db, "pending").await?;
            if webhooks + events == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(ScaleError::Unsettled { webhooks, events });
            }
            self.check_running()?;
            sleep(CHECK_INTERVAL).await;
        }
    }

    /// Compares what was acknowledged with the database and the collector.
    pub(super) async fn check(
        &self,
        target: &LoadTarget,
        result: &LoadResult,
        pages: &[StreamPage],
    ) -> Result<ExactnessCheck, ScaleError> {
        let polls = PollDatabase::open(&self.template.database).await?;
        let voted: Vec<_> = result.voters.iter().filter(|voter| voter.has_voted()).collect();
        let mut outdated = 0;
        for voter in &voted {
            outdated += usize::from(!polls.has_last_vote(voter).await?);
        }
        let mut results = BTreeMap::new();
        for poll in target.polls.iter() {
            results.insert(poll.as_str(), polls.results(poll).await?);
        }
        polls.close().await;
        let counted: u32 = results.values().map(|result| result.poll.voters).sum();
        let chosen: u32 = results.values().flat_map(|result| &result.counts).sum();
        let deadline = Instant::now() + PAGE_UPDATE_TIMEOUT;
        let is_up_to_date = |page: &&StreamPage| {
            let stored = results.get(page.poll.as_str()).map(|result| result.changes);
            page.changes() == stored
        };
        let up_to_date = || pages.iter().filter(is_up_to_date).count();
        while up_to_date() < pages.len() && Instant::now() < deadline {
            sleep(CHECK_INTERVAL).await;
        }

        let collector = CollectorClient {
            client: self.template.client.clone(),
            address: self.collector.address,
        };
        let accepted = collector.accepted().await?;
        let state = crash::store::read_state(&self.db).await?;
        let of_accounts = |name: &str| ACCOUNT_EVENTS.contains(&name);
        let account_events: Vec<AcceptedEvent> = accepted
            .iter()
            .filter(|event| of_accounts(&event.name))
            .cloned()
            .collect();
        let mut arrivals = collector.arrivals().await?;
        arrivals.retain(|arrival| of_accounts(&arrival.name));
        let mut violations = checks::find_violations(&state, &account_events, &arrivals, &result.signed_up);
        // The owners of the polls, and sign-ups whose answer was lost.
        violations.retain(|violation| !matches!(violation, Violation::StrayAccount { .. }));
        let servers = self.servers.iter().map(|(_, server)| server);
        let panics = servers.chain(&self.killed).flat_map(Process::panics);
        violations.extend(panics.map(|line| Violation::Panicked { line }));
        let started = accepted.iter().filter(|event| event.name == "Trial started");
        let applied = webhooks::store::count_in_state(&self.db, "applied").await?;
        let sent = database::count_events(&self.db, "sent").await?;
        Ok(ExactnessCheck {
            voters: voted.len(),
            counted: usize::try_from(counted).unwrap_or(usize::MAX),
            chosen: usize::try_from(chosen).unwrap_or(usize::MAX),
            outdated,
            pages_up_to_date: up_to_date(),
            webhooks: result.webhooks,
            applied: usize::try_from(applied).unwrap_or(usize::MAX),
            trials: result.trials,
            trial_events: started.count(),
            sign_ups: result.signed_up.len(),
            owners: target.polls.len(),
            accounts: state.accounts.len(),
            sent: usize::try_from(sent).unwrap_or(usize::MAX),
            accepted: accepted.len(),
            violations: violations.iter().map(ToString::to_string).collect(),
        })
    }
}
