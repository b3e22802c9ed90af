//! App, stand-in for Stripe and collector, each a process of its own, and the lines between them.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use reqwest::Client;

use super::TrialsError;
use super::stripe::StandIn;
use super::wire::{Ends, Wire};
use crate::browser::ADDRESS_HEADER;
use crate::crash::Programs;
use crate::crash::collector::Collector;
use crate::ports;
use crate::process::Process;

/// What webhooks are signed with.
const WEBHOOK_SECRET: &str = "whsec_crash";

pub(super) struct Stage {
    pub(super) app: Process,
    pub(super) stripe: Process,
    pub(super) collector: Process,
    pub(super) wire: Wire,
    pub(super) dashboard: StandIn,
    pub(super) events: Collector,
}

impl Stage {
    /// Everything runs when this returns. State and logs are in `folder`.
    pub(super) async fn set(
        programs: &Programs,
        folder: &Path,
        database: &str,
        client: &Client,
    ) -> Result<Self, TrialsError> {
        let ends = Ends {
            app: ports::free()?,
            stripe: ports::free()?,
            amplitude: ports::free()?,
        };
        let wire = Wire::lay(ends, client).await?;
        let plan = folder.join("plan.json");
        fs::write(&plan, tracking::catalog::plan_schema().to_string())?;
        let process = |name, program, address, ready_path| {
            Process::new(name, program, address, ready_path, folder, client)
        };
        let mut app = process("seamline", &programs.app, ends.app, "/livez");
        app.environment.extend::<[(&str, OsString); 7]>([
            ("LEPTOS_SITE_ADDR", ends.app.to_string().into()),
            ("DATABASE_URL", database.into()),
            ("DATA_DIR", folder.into()),
            ("AMPLITUDE_URL", format!("http://{}", wire.amplitude).into()),
            ("STRIPE_API_URL", format!("http://{}", wire.stripe).into()),
            ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET.into()),
            ("CLIENT_IP_HEADER", ADDRESS_HEADER.into()),
        ]);
        let mut stripe = process("stripe-local", &programs.stripe, ends.stripe, "/_sim/clock");
        stripe.arguments = [
            "--listen",
            &ends.stripe.to_string(),
            "--state",
            &folder.join("stripe.db").display().to_string(),
            "--webhook",
            &format!("http://{}/webhooks/stripe", wire.webhooks),
            "--webhook-secret",
            WEBHOOK_SECRET,
            "--allow-release",
        ]
        .map(Into::into)
        .to_vec();
        let mut collector = process(
            "amplitude-local",
            &programs.collector,
            ends.amplitude,
            "/local/faults",
        );
        collector.arguments = [
            "--listen",
            &ends.amplitude.to_string(),
            "--state",
            &folder.join("amplitude.db").display().to_string(),
            "--plan",
            &plan.display().to_string(),
        ]
        .map(Into::into)
        .to_vec();
        for stand_in in [&mut stripe, &mut collector] {
            stand_in.is_there().await?;
        }
        app.is_there().await?;
        Ok(Self {
            app,
            stripe,
            collector,
            wire,
            dashboard: StandIn {
                client: client.clone(),
                address: ends.stripe,
            },
            events: Collector {
                client: client.clone(),
                address: ends.amplitude,
            },
        })
    }

    /// # Errors
    /// When one of them has ended by itself.
    pub(super) fn is_alive(&mut self) -> Result<(), TrialsError> {
        for process in [&mut self.app, &mut self.stripe, &mut self.collector] {
            process.is_alive()?;
        }
        Ok(())
    }
}
