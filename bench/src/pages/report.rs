//! The report of the pages under load, and its limits. Pure.

use std::{fmt, slice};

use super::load::PageLoad;
use super::{PagesSettings, SIGNED_IN_PAGES};
use crate::compare::Quantile;
use crate::database;
use crate::limit_check::LimitCheck;

/// Requests per second of a page, as a multiple of the peer's.
const MIN_RATE_OF_PEER: f64 = 30.0;
/// p99 of a page, as a part of the peer's.
const MAX_P99_OF_PEER: f64 = 1.0 / 20.0;
/// Requests per second of a page of a signed-in user.
const MIN_SIGNED_IN_RATE: f64 = 3_000.0;
/// Resident memory under load.
const MAX_RESIDENT_MIB: f64 = 60.0;
/// Time from the start of the process to the first page.
const MAX_COLD_START_MS: f64 = 100.0;

/// The settings and the results of a run.
#[derive(Clone, Debug)]
pub struct PagesReport {
    /// The settings of the run.
    pub settings: PagesSettings,
    /// The app's pages.
    pub pages: Vec<PageLoad>,
    /// The peer's pages; empty without a peer.
    pub peer_pages: Vec<PageLoad>,
    /// ms of each start of the app, from its process to the first 200 of `/`.
    pub cold_starts_ms: Vec<f64>,
}

impl PageLoad {
    fn per_second(&self) -> f64 {
        self.latencies_us.len() as f64 / self.secs
    }

    fn quantile_ms(&self, quantile: Quantile) -> f64 {
        quantile.of(self.latencies_us.clone()) / 1e3
    }

    /// The client's part of the CPU time of both, in percent.
    fn client_percent(&self) -> f64 {
        self.client_cpu_secs / (self.client_cpu_secs + self.server_cpu_secs) * 100.0
    }
}

impl PagesReport {
    /// Whether each figure is within its limit. Without a peer its limits are not checked.
    pub fn holds(&self) -> bool {
        self.checks().iter().all(|check| check.is_met)
    }

    fn checks(&self) -> Vec<LimitCheck> {
        let mut checks = Vec::new();
        for peer in &self.peer_pages {
            let Some(page) = self.pages.iter().find(|page| page.path == peer.path) else {
                continue;
            };
            let rate = page.per_second() / peer.per_second();
            checks.push(LimitCheck {
                figure: format!(
                    "{}: {rate:.2} × the peer's rate (at least {MIN_RATE_OF_PEER})",
                    page.path
                ),
                is_met: rate >= MIN_RATE_OF_PEER,
            });
            let p99 = page.quantile_ms(Quantile::P99) / peer.quantile_ms(Quantile::P99);
            checks.push(LimitCheck {
                figure: format!(
                    "{}: p99 is 1/{:.2} of the peer's (at most 1/{:.0})",
                    page.path,
                    1.0 / p99,
                    1.0 / MAX_P99_OF_PEER
                ),
                is_met: p99 <= MAX_P99_OF_PEER,
            });
        }
        for page in self
            .pages
            .iter()
            .filter(|page| SIGNED_IN_PAGES.contains(&page.path))
        {
            let rate = page.per_second();
            checks.push(LimitCheck {
                figure: format!(
                    "{}: {rate:.0} requests/s (at least {MIN_SIGNED_IN_RATE})",
                    page.path
                ),
                is_met: rate >= MIN_SIGNED_IN_RATE,
            });
        }
        if let Some(mib) = resident_mib(&self.pages) {
            checks.push(LimitCheck {
                figure: format!("resident memory: {mib:.1} MiB (at most {MAX_RESIDENT_MIB})"),
                is_met: mib <= MAX_RESIDENT_MIB,
            });
        }
        let cold_start_ms = Quantile::P50.of(self.cold_starts_ms.clone());
        checks.push(LimitCheck {
            figure: format!(
                "cold start: {cold_start_ms:.0} ms, the median of {} (at most {MAX_COLD_START_MS})",
                self.cold_starts_ms.len()
            ),
            is_met: cold_start_ms <= MAX_COLD_START_MS,
        });
        checks
    }
}

/// The largest resident memory over all pages in MiB.
fn resident_mib(pages: &[PageLoad]) -> Option<f64> {
    let kib = pages.iter().filter_map(|page| page.resident_kib).max()?;
    Some(kib as f64 / 1024.0)
}

impl fmt::Display for PagesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = self.settings.load;
        writeln!(
            f,
            "pages on {}: {} connections, {:.0} s each after {:.0} s",
            database::name(self.settings.engine),
            load.connections,
            load.duration.as_secs_f64(),
            load.warm_up.as_secs_f64()
        )?;
        write_pages(f, "app", &self.pages)?;
        if !self.peer_pages.is_empty() {
            write_pages(f, "peer", &self.peer_pages)?;
        }
        for check in self.checks() {
            writeln!(f, "{check}")?;
        }
        Ok(())
    }
}

/// Writes a line for each page. The columns of the process are left out if it is not known, as that of a peer without a PID.
fn write_pages(f: &mut fmt::Formatter<'_>, server: &str, pages: &[PageLoad]) -> fmt::Result {
    let process = match resident_mib(pages) {
        Some(_) => "   server's cores    MiB   client's share of CPU",
        None => "",
    };
    writeln!(
        f,
        "  {server:<10} requests/s   p50 ms   p99 ms   body KB{process}"
    )?;
    for page in pages {
        write!(
            f,
            "  {:<10} {:10.0} {:8.2} {:8.2} {:9.1}",
            page.path,
            page.per_second(),
            page.quantile_ms(Quantile::P50),
            page.quantile_ms(Quantile::P99),
            page.body_bytes as f64 / 1e3,
        )?;
        if let Some(mib) = resident_mib(slice::from_ref(page)) {
            write!(
                f,
                " {:16.2} {mib:6.1} {:21.0} %",
                page.server_cpu_secs / page.secs,
                page.client_percent()
            )?;
        }
        writeln!(f)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use db::Engine;

    use super::*;
    use crate::pages::LoadSettings;

    /// A page with that many responses in a second, 1 % of which are slow.
    fn page(path: &'static str, per_second: usize, p99_ms: f64) -> PageLoad {
        let mut latencies_us = vec![1_000.0; per_second];
        latencies_us[..per_second.div_ceil(50)].fill(p99_ms * 1e3);
        PageLoad {
            path,
            latencies_us,
            secs: 1.0,
            body_bytes: 3_000,
            server_cpu_secs: 1.5,
            client_cpu_secs: 0.5,
            resident_kib: Some(50 * 1_024),
        }
    }

    fn report() -> PagesReport {
        PagesReport {
            settings: PagesSettings {
                engine: Engine::Sqlite,
                load: LoadSettings {
                    connections: 32,
                    warm_up: Duration::from_secs(2),
                    duration: Duration::from_secs(1),
                },
                site: "target/site".into(),
                peer: None,
            },
            pages: vec![
                page("/", 3_000, 20.0),
                page("/polls", 3_000, 20.0),
                page("/timeline", 3_000, 20.0),
            ],
            peer_pages: vec![page("/", 100, 400.0)],
            cold_starts_ms: vec![90.0, 80.0, 400.0],
        }
    }

    #[test]
    fn figures_on_their_limits_hold() {
        let text = report().to_string();
        assert!(report().holds(), "{text}");
        for expected in [
            "/: 30.00 × the peer's rate (at least 30)",
            "/: p99 is 1/20.00 of the peer's (at most 1/20)",
            "/timeline: 3000 requests/s (at least 3000)",
            "resident memory: 50.0 MiB (at most 60)",
            "cold start: 90 ms, the median of 3 (at most 100)",
            "1.50   50.0                    25 %",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
    }

    #[test]
    fn each_limit_can_be_broken() {
        let with_page = |page: PageLoad| {
            let mut report = report();
            report.pages.retain(|other| other.path != page.path);
            report.pages.push(page);
            report
        };
        let mut large = page("/polls", 3_000, 20.0);
        large.resident_kib = Some(61 * 1_024);
        let slow_start = PagesReport {
            cold_starts_ms: vec![101.0],
            ..report()
        };
        for (figure, report) in [
            ("the peer's rate", with_page(page("/", 2_990, 20.0))),
            ("of the peer's", with_page(page("/", 3_000, 20.1))),
            ("/polls: 2999", with_page(page("/polls", 2_999, 20.0))),
            ("/timeline: 2999", with_page(page("/timeline", 2_999, 20.0))),
            ("resident memory", with_page(large)),
            ("cold start", slow_start),
        ] {
            let broken: Vec<String> = report
                .to_string()
                .lines()
                .filter(|line| line.contains("BROKEN"))
                .map(str::to_owned)
                .collect();
            assert!(
                broken.len() == 1 && broken[0].contains(figure) && !report.holds(),
                "{figure}: {broken:?}"
            );
        }
    }

    #[test]
    fn without_a_peer_its_limits_are_not_checked() {
        let alone = PagesReport {
            peer_pages: Vec::new(),
            ..report()
        };
        assert!(alone.holds() && !alone.to_string().contains("peer"), "{alone}");
    }
    #[test]
    fn a_peer_without_a_known_process_has_no_columns_for_it() {
        let mut report = report();
        for page in &mut report.peer_pages {
            page.resident_kib = None;
        }
        let text = report.to_string();
        assert!(!text.contains("NaN"), "{text}");
        assert_eq!(text.matches("MiB   client's share").count(), 1, "{text}");
    }
}
