//! The report of the votes measurement, and its limits.

use std::fmt;

use super::VotesSettings;
use crate::compare::Quantile;
use crate::database;

/// Memory is the median of this many seconds.
const MEMORY_WINDOW_SECS: usize = 10;
/// Limit for the growth of memory from the end of the first minute to the end of the last.
const MEMORY_GROWTH_LIMIT_PERCENT: f64 = 10.0;

/// The settings and the result of a measurement.
#[derive(Clone, Debug)]
pub struct VotesReport {
    /// The settings of the run.
    pub settings: VotesSettings,
    /// µs of each vote, by minute.
    pub rounds_us: Vec<Vec<f64>>,
    /// Voters in the app's result.
    pub voters: u32,
    /// Choices in the app's result; one per voter.
    pub chosen: u32,
    /// Voters whose stored vote is not their last accepted one.
    pub outdated: u32,
    /// Open pages that show the last vote.
    pub pages_up_to_date: usize,
    /// Messages to all open pages.
    pub page_messages: u64,
    /// Resident memory in KiB, one sample a second.
    pub memory_kib: Vec<u64>,
}

impl VotesReport {
    /// Whether no vote was lost or counted twice, every page is up to date, and memory grew less than the limit.
    pub fn holds(&self) -> bool {
        self.lost() == 0
            && self.chosen == self.voters
            && self.outdated == 0
            && self.pages_up_to_date == usize::try_from(self.settings.live).unwrap_or(usize::MAX)
            && self
                .growth_percent()
                .is_none_or(|growth_percent| growth_percent < MEMORY_GROWTH_LIMIT_PERCENT)
    }

    /// Voters without a counted vote; negative: votes of unknown voters.
    fn lost(&self) -> i64 {
        i64::from(self.settings.voters) - i64::from(self.voters)
    }

    /// Returns the resident memory in MiB at the end of a minute; `None` without enough samples.
    fn memory_mib_after(&self, minute: usize) -> Option<f64> {
        let end = (minute * 60).min(self.memory_kib.len());
        let window = self.memory_kib.get(end.checked_sub(MEMORY_WINDOW_SECS)?..end)?;
        let samples = window.iter().map(|&kib| kib as f64 / 1024.0).collect();
        Some(Quantile::P50.of(samples))
    }

    /// Returns the growth of memory from the end of the first minute to the end of the last; `None` for a single minute.
    fn growth_percent(&self) -> Option<f64> {
        let last = usize::try_from(self.settings.minutes).ok()?;
        let (first, last) = (self.memory_mib_after(1)?, self.memory_mib_after(last)?);
        (self.settings.minutes > 1).then(|| (last / first - 1.0) * 100.0)
    }
}

impl fmt::Display for VotesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let VotesSettings {
            engine,
            voters,
            live,
            minutes,
        } = &self.settings;
        writeln!(
            f,
            "votes on {}: {voters} voters a minute for {minutes} min, {live} pages open",
            database::name(*engine)
        )?;
        let line = |f: &mut fmt::Formatter<'_>, name: &str, samples: Vec<f64>| {
            let [p50, p99] =
                [Quantile::P50, Quantile::P99].map(|quantile| quantile.of(samples.clone()) / 1e3);
            writeln!(
                f,
                "  {name:<22} p50 {p50:8.1} ms   p99 {p99:8.1} ms   of {}",
                samples.len()
            )
        };
        line(
            f,
            "first votes",
            self.rounds_us.first().cloned().unwrap_or_default(),
        )?;
        if self.rounds_us.len() > 1 {
            line(f, "changed votes", self.rounds_us[1..].concat())?;
        }
        writeln!(
            f,
            "  votes                  {} counted, {} lost, {} counted twice, {} not the voter's last",
            self.voters,
            self.lost(),
            i64::from(self.chosen) - i64::from(self.voters),
            self.outdated
        )?;
        writeln!(
            f,
            "  open pages             {} of {live} up to date, {} messages received",
            self.pages_up_to_date, self.page_messages
        )?;
        match (self.memory_mib_after(1), self.growth_percent()) {
            (Some(first), Some(growth_percent)) => {
                writeln!(
                    f,
                    "  resident memory        {first:.1} MiB after minute 1, {growth_percent:+.1} % at the end"
                )?;
            }
            (Some(first), None) => writeln!(f, "  resident memory        {first:.1} MiB after minute 1")?,
            (None, _) => writeln!(f, "  resident memory        not available on this system")?,
        }
        write!(f, "  {}", if self.holds() { "holds" } else { "BROKEN" })
    }
}

#[cfg(test)]
mod tests {
    use db::Engine;

    use super::*;

    fn report() -> VotesReport {
        VotesReport {
            settings: VotesSettings {
                engine: Engine::Sqlite,
                voters: 10,
                live: 2,
                minutes: 2,
            },
            rounds_us: vec![vec![1_000.0; 10]; 2],
            voters: 10,
            chosen: 10,
            outdated: 0,
            pages_up_to_date: 2,
            page_messages: 7,
            memory_kib: vec![102_400; 120],
        }
    }

    #[test]
    fn each_limit_can_fail() {
        assert!(report().holds(), "{}", report());
        let grown = [vec![102_400; 60], vec![113_000; 60]].concat();
        for (what, broken) in [
            (
                "lost",
                VotesReport {
                    voters: 9,
                    chosen: 9,
                    ..report()
                },
            ),
            (
                "of an unknown voter",
                VotesReport {
                    voters: 11,
                    chosen: 11,
                    ..report()
                },
            ),
            (
                "twice",
                VotesReport {
                    chosen: 11,
                    ..report()
                },
            ),
            (
                "not the last",
                VotesReport {
                    outdated: 1,
                    ..report()
                },
            ),
            (
                "a page behind",
                VotesReport {
                    pages_up_to_date: 1,
                    ..report()
                },
            ),
            (
                "memory",
                VotesReport {
                    memory_kib: grown,
                    ..report()
                },
            ),
        ] {
            assert!(!broken.holds(), "{what}");
            assert!(broken.to_string().ends_with("BROKEN"), "{what}");
        }
    }

    #[test]
    fn a_short_run_reports_without_memory() {
        let short = VotesReport {
            settings: VotesSettings {
                minutes: 1,
                ..report().settings
            },
            memory_kib: Vec::new(),
            ..report()
        };
        assert!(short.holds());
        assert!(short.to_string().contains("not available on this system"));
    }
}
