//! nginx in front of the servers, with the configuration of `deploy/nginx.conf` but for TLS, addresses and paths of logs.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use reqwest::Client;

use super::ScaleError;
use crate::process::Process;

/// The example of the guide for deployments.
const EXAMPLE: &str = include_str!("../../../deploy/nginx.conf");
/// Debian's path.
const PROGRAM: &str = "/usr/sbin/nginx";

/// A running nginx.
pub(super) struct LoadBalancer {
    pub(super) process: Process,
    config: PathBuf,
}

impl LoadBalancer {
    /// Starts nginx, which forwards to `servers`; one of them must be ready. Logs and temporary files are in `folder`.
    pub(super) async fn start(
        listen: SocketAddr,
        servers: &[SocketAddr],
        folder: &Path,
        client: &Client,
    ) -> Result<Self, ScaleError> {
        let folder = folder.join("nginx");
        std::fs::create_dir_all(&folder)?;
        let config = folder.join("nginx.conf");
        let mut process = Process::new("nginx", Path::new(PROGRAM), listen, "/readyz", &folder, client);
        process.arguments = vec![
            "-p".into(),
            folder.into(),
            "-c".into(),
            config.clone().into(),
            "-g".into(),
            "daemon off;".into(),
        ];
        let mut balancer = Self { process, config };
        balancer.write_config(servers)?;
        balancer.process.ensure_ready().await?;
        Ok(balancer)
    }

    /// Writes the list of servers and reloads nginx, as an operator does. Open requests are finished.
    pub(super) async fn set_servers(&mut self, servers: &[SocketAddr]) -> Result<(), ScaleError> {
        self.write_config(servers)?;
        Ok(self.process.reload().await?)
    }

    pub(super) fn is_installed() -> bool {
        Path::new(PROGRAM).exists()
    }

    fn write_config(&self, servers: &[SocketAddr]) -> std::io::Result<()> {
        let text = nginx_config(EXAMPLE, self.process.address, servers, &self.process.folder);
        std::fs::write(&self.config, text)
    }
}

/// Returns the whole configuration: `example` without TLS and its redirect, with these addresses, and logs in `folder`.
pub fn nginx_config(example: &str, listen: SocketAddr, servers: &[SocketAddr], folder: &Path) -> String {
    let folder = folder.display();
    let mut site = String::new();
    let mut blocks = example.split("\nserver {\n");
    let before = blocks.next().unwrap_or_default();
    let of_site = blocks.filter(|block| !block.contains("return 301"));
    for block in std::iter::once(before.to_owned()).chain(of_site.map(|block| format!("server {{\n{block}")))
    {
        for line in block.lines() {
            let directive = line.trim();
            if directive.starts_with("server 127.0.0.1:") {
                let parameters = directive
                    .split_once(' ')
                    .and_then(|(_, rest)| rest.split_once(' '));
                let parameters = parameters.map_or(";", |(_, parameters)| parameters);
                for server in servers {
                    let _ = writeln!(site, "    server {server} {parameters}");
                }
            } else if directive.starts_with("listen 443") {
                let _ = writeln!(site, "    listen {listen};");
            } else if directive.starts_with("access_log /") {
                let rest = directive.splitn(3, ' ').nth(2).unwrap_or(";");
                let _ = writeln!(site, "    access_log {folder}/access.log {rest}");
            } else if !directive.starts_with("listen ") && !directive.starts_with("ssl_") {
                let _ = writeln!(site, "{line}");
            }
        }
    }
    // Workers of another user could not write to the folder of the run.
    format!(
        "user root root;\nworker_processes auto;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n\
         client_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\nfastcgi_temp_path {folder}/fastcgi;\n\
         uwsgi_temp_path {folder}/uwsgi;\nscgi_temp_path {folder}/scgi;\n\
         {site}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_kept_but_for_tls_addresses_and_logs() {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let config = nginx_config(
            EXAMPLE,
            address(20_001),
            &[address(20_002), address(20_003)],
            Path::new("/run-folder"),
        );
        for kept in [
            "    server 127.0.0.1:20002 max_fails=1 fail_timeout=5s;\n",
            "    server 127.0.0.1:20003 max_fails=1 fail_timeout=5s;\n",
            "    listen 127.0.0.1:20001;\n",
            "    access_log /run-folder/access.log seamline if=$seamline_is_logged;\n",
            "proxy_next_upstream error timeout;",
            "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
            "proxy_buffering off;",
            "location ~ ^/(verify|reset)(/|$) {",
        ] {
            assert!(config.contains(kept), "{kept} in {config}");
        }
        for dropped in ["ssl", "443", "return 301", "/var/", ":3000", "[::]"] {
            assert!(!config.contains(dropped), "{dropped} in {config}");
        }
        assert_eq!(
            config.matches('{').count(),
            config.matches('}').count(),
            "{config}"
        );
    }
}
