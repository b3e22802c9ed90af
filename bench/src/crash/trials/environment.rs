//! The processes of a crash run of trials: the app and both stand-ins, and the proxies between them.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use reqwest::Client;

use super::TrialsError;
use super::proxies::{Proxies, Upstreams};
use super::stripe::StripeDashboard;
use crate::crash::collector::CollectorClient;
use crate::ports;
use crate::process::Process;
use crate::programs::Programs;

/// The signing secret of the webhooks.
const WEBHOOK_SECRET: &str = "whsec_crash";

/// The running processes and the clients of the stand-ins.
pub(super) struct TrialsEnvironment {
    pub(super) app: Process,
    pub(super) stripe: Process,
    pub(super) collector: Process,
    pub(super) proxies: Proxies,
    pub(super) dashboard: StripeDashboard,
    pub(super) collector_client: CollectorClient,
}

impl TrialsEnvironment {
    /// Starts all processes; they are ready when this returns. State and logs are in `folder`.
    pub(super) async fn start(
        programs: &Programs,
        folder: &Path,
        database: &str,
        client: &Client,
    ) -> Result<Self, TrialsError> {
        let upstreams = Upstreams {
            app: ports::find_free()?,
            stripe: ports::find_free()?,
            amplitude: ports::find_free()?,
        };
        let proxies = Proxies::start(upstreams, client).await?;
        let plan = folder.join("plan.json");
        fs::write(&plan, tracking::catalog::plan_schema().to_string())?;
        let process = |name, program, address, ready_path| {
            Process::new(name, program, address, ready_path, folder, client)
        };
        let mut app = process("seamline", &programs.app, upstreams.app, "/livez");
        app.environment.extend::<[(&str, OsString); 8]>([
            ("LEPTOS_SITE_ADDR", upstreams.app.to_string().into()),
            ("DATABASE_URL", database.into()),
            ("DATA_DIR", folder.into()),
            ("AMPLITUDE_URL", format!("http://{}", proxies.amplitude).into()),
            ("STRIPE_API_URL", format!("http://{}", proxies.stripe).into()),
            ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET.into()),
            ("SEAMLINE_LOCAL", "remote".into()),
            ("TRUSTED_PROXIES", "127.0.0.1".into()),
        ]);
        let mut stripe = process("stripe-local", &programs.stripe, upstreams.stripe, "/_sim/clock");
        stripe.arguments = [
            "--listen",
            &upstreams.stripe.to_string(),
            "--state",
            &folder.join("stripe.db").display().to_string(),
            "--webhook",
            &format!("http://{}/webhooks/stripe", proxies.webhooks),
            "--webhook-secret",
            WEBHOOK_SECRET,
            "--allow-release",
        ]
        .map(Into::into)
        .to_vec();
        let mut collector = process(
            "amplitude-local",
            &programs.collector,
            upstreams.amplitude,
            "/local/faults",
        );
        collector.arguments = [
            "--listen",
            &upstreams.amplitude.to_string(),
            "--state",
            &folder.join("amplitude.db").display().to_string(),
            "--plan",
            &plan.display().to_string(),
        ]
        .map(Into::into)
        .to_vec();
        for stand_in in [&mut stripe, &mut collector] {
            stand_in.ensure_ready().await?;
        }
        app.ensure_ready().await?;
        Ok(Self {
            app,
            stripe,
            collector,
            proxies,
            dashboard: StripeDashboard {
                client: client.clone(),
                address: upstreams.stripe,
            },
            collector_client: CollectorClient {
                client: client.clone(),
                address: upstreams.amplitude,
            },
        })
    }

    /// # Errors
    /// When one of the processes has exited unexpectedly.
    pub(super) fn check_running(&mut self) -> Result<(), TrialsError> {
        for process in [&mut self.app, &mut self.stripe, &mut self.collector] {
            process.check_running()?;
        }
        Ok(())
    }
}
