//! The processes of a crash run: the app and the collector.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use reqwest::Client;

use super::CrashError;
use super::checks::Violation;
use super::collector::CollectorClient;
use crate::ports;
use crate::process::Process;
use crate::programs::Programs;

/// App and collector, and the client of the collector's own API.
pub(super) struct CrashEnvironment {
    pub(super) app: Process,
    pub(super) collector: Process,
    pub(super) collector_client: CollectorClient,
}

impl CrashEnvironment {
    /// Describes the processes without starting them. State and logs are in `folder`.
    pub(super) fn new(
        programs: &Programs,
        folder: &Path,
        database: &str,
        client: &Client,
    ) -> Result<Self, CrashError> {
        let (site, collector_address) = (ports::find_free()?, ports::find_free()?);
        let plan = folder.join("plan.json");
        fs::write(&plan, tracking::catalog::plan_schema().to_string())?;
        let process = |name, program, address, ready_path| {
            Process::new(name, program, address, ready_path, folder, client)
        };
        let mut app = process("seamline", &programs.app, site, "/livez");
        app.environment.extend::<[(&str, OsString); 8]>([
            ("LEPTOS_SITE_ADDR", site.to_string().into()),
            ("LIMIT_FACTOR", "100000".into()),
            ("STRIPE_LOCAL_ADDR", ports::find_free()?.to_string().into()),
            ("DATABASE_URL", database.into()),
            ("DATA_DIR", folder.into()),
            ("AMPLITUDE_URL", format!("http://{collector_address}").into()),
            ("SEAMLINE_LOCAL", "remote".into()),
            ("TRUSTED_PROXIES", "127.0.0.1".into()),
        ]);
        let mut collector = process(
            "amplitude-local",
            &programs.collector,
            collector_address,
            "/local/faults",
        );
        collector.arguments.extend::<[OsString; 6]>([
            "--listen".into(),
            collector_address.to_string().into(),
            "--state".into(),
            folder.join("amplitude.db").into(),
            "--plan".into(),
            plan.into(),
        ]);
        let collector_client = CollectorClient {
            client: client.clone(),
            address: collector_address,
        };
        Ok(Self {
            app,
            collector,
            collector_client,
        })
    }

    /// Returns a violation for each panic in the app's log.
    pub(super) fn panics(&self) -> impl Iterator<Item = Violation> {
        let lines = self.app.panics().into_iter();
        lines.map(|line| Violation::Panicked { line })
    }
}
