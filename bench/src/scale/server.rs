//! How each server is started.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use reqwest::Client;

use super::ScaleError;
use crate::ports;
use crate::process::Process;
use crate::webhooks::WEBHOOK_SECRET;

/// Signs cookies, the same on all servers.
const COOKIE_KEY: &str = "a cookie key of the bench, the same everywhere";

/// What all servers have in common.
pub(super) struct ServerTemplate {
    pub(super) program: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) database: String,
    /// The address of nginx.
    pub(super) site: SocketAddr,
    pub(super) stripe: SocketAddr,
    pub(super) collector: SocketAddr,
    pub(super) client: Client,
}

impl ServerTemplate {
    /// Describes a server with a folder and a port of its own; does not start it.
    pub(super) fn server(&self, number: usize) -> Result<Process, ScaleError> {
        let folder = self.folder.join(format!("server-{number}"));
        fs::create_dir_all(&folder)?;
        let address = ports::find_free()?;
        let mut server = Process::new(
            "seamline",
            &self.program,
            address,
            "/readyz",
            &folder,
            &self.client,
        );
        server.environment.extend::<[(&str, OsString); 12]>([
            ("RUST_LOG", "warn".into()),
            ("LEPTOS_SITE_ADDR", address.to_string().into()),
            ("PUBLIC_URL", format!("http://{}", self.site).into()),
            ("LIMIT_FACTOR", "100000".into()),
            ("DATABASE_URL", self.database.clone().into()),
            ("DATA_DIR", folder.into()),
            ("COOKIE_KEY", COOKIE_KEY.into()),
            ("AMPLITUDE_URL", format!("http://{}", self.collector).into()),
            ("STRIPE_API_URL", format!("http://{}", self.stripe).into()),
            ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET.into()),
            ("SEAMLINE_LOCAL", "remote".into()),
            ("TRUSTED_PROXIES", "127.0.0.1".into()),
        ]);
        Ok(server)
    }
}
