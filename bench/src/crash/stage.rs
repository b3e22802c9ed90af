//! The two programs of a run, ready to be started.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use reqwest::Client;

use super::collector::Collector;
use super::verdict::Offence;
use super::{CrashError, Programs};
use crate::browser::ADDRESS_HEADER;
use crate::ports;
use crate::process::Process;

/// App and collector.
pub(super) struct Stage {
    pub(super) app: Process,
    pub(super) collector: Process,
    pub(super) controls: Collector,
}

impl Stage {
    /// State and logs are in `folder`.
    pub(super) fn set(
        programs: &Programs,
        folder: &Path,
        database: &str,
        client: &Client,
    ) -> Result<Self, CrashError> {
        let (site, events) = (ports::free()?, ports::free()?);
        let plan = folder.join("plan.json");
        fs::write(&plan, tracking::catalog::plan_schema().to_string())?;
        let process = |name, program, address, ready_path| {
            Process::new(name, program, address, ready_path, folder, client)
        };
        let mut app = process("seamline", &programs.app, site, "/livez");
        app.environment.extend::<[(&str, OsString); 6]>([
            ("LEPTOS_SITE_ADDR", site.to_string().into()),
            ("STRIPE_LOCAL_ADDR", ports::free()?.to_string().into()),
            ("DATABASE_URL", database.into()),
            ("DATA_DIR", folder.into()),
            ("AMPLITUDE_URL", format!("http://{events}").into()),
            ("CLIENT_IP_HEADER", ADDRESS_HEADER.into()),
        ]);
        let mut collector = process("amplitude-local", &programs.collector, events, "/local/faults");
        collector.arguments.extend::<[OsString; 6]>([
            "--listen".into(),
            events.to_string().into(),
            "--state".into(),
            folder.join("amplitude.db").into(),
            "--plan".into(),
            plan.into(),
        ]);
        let controls = Collector {
            client: client.clone(),
            address: events,
        };
        Ok(Self {
            app,
            collector,
            controls,
        })
    }

    /// Panics of the app.
    pub(super) fn panics(&self) -> impl Iterator<Item = Offence> {
        let lines = self.app.panics().into_iter();
        lines.map(|line| Offence::Panicked { line })
    }
}
