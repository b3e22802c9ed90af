//! The report of the votes measurement, and its limits.

use std::fmt;

use super::VotesSettings;
use crate::compare::Quantile;
use crate::database;
use crate::limit_check::LimitCheck;

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
        self.checks().iter().all(|check| check.is_met)
    }

    fn checks(&self) -> Vec<LimitCheck> {
        let VotesSettings { voters, live, .. } = self.settings;
        let mut checks = vec![
            LimitCheck {
                figure: format!("voters: {} counted of {voters}", self.voters),
                is_met: self.voters == voters,
            },
            LimitCheck {
                figure: format!("choices: {} of {} counted voters", self.chosen, self.voters),
                is_met: self.chosen == self.voters,
            },
            LimitCheck {
                figure: format!(
                    "votes that are not the voter's last: {} (at most 0)",
                    self.outdated
                ),
                is_met: self.outdated == 0,
            },
            LimitCheck {
                figure: format!(
                    "open pages with the last vote: {} of {live}",
                    self.pages_up_to_date
                ),
                is_met: u32::try_from(self.pages_up_to_date) == Ok(live),
            },
        ];
        if let Some(growth_percent) = self.growth_percent() {
            checks.push(LimitCheck {
                figure: format!(
                    "growth of memory: {growth_percent:+.1} % (below {MEMORY_GROWTH_LIMIT_PERCENT})"
                ),
                is_met: growth_percent < MEMORY_GROWTH_LIMIT_PERCENT,
            });
        }
        checks
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
        writeln!(f, "  messages to open pages {}", self.page_messages)?;
        match self.memory_mib_after(1) {
            Some(mib) => write!(f, "  resident memory        {mib:.1} MiB after minute 1")?,
            None => write!(f, "  resident memory        not available on this system")?,
        }
        self.checks().iter().try_for_each(|check| write!(f, "\n{check}"))
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
        for (figure, broken) in [
            (
                "voters: 9 counted",
                VotesReport {
                    voters: 9,
                    chosen: 9,
                    ..report()
                },
            ),
            (
                "voters: 11 counted",
                VotesReport {
                    voters: 11,
                    chosen: 11,
                    ..report()
                },
            ),
            (
                "choices: 11",
                VotesReport {
                    chosen: 11,
                    ..report()
                },
            ),
            (
                "the voter's last: 1",
                VotesReport {
                    outdated: 1,
                    ..report()
                },
            ),
            (
                "the last vote: 1 of 2",
                VotesReport {
                    pages_up_to_date: 1,
                    ..report()
                },
            ),
            (
                "growth of memory",
                VotesReport {
                    memory_kib: grown,
                    ..report()
                },
            ),
        ] {
            assert!(!broken.holds(), "{figure}");
            let text = broken.to_string();
            let lines: Vec<&str> = text.lines().filter(|line| line.contains("BROKEN")).collect();
            assert!(lines.len() == 1 && lines[0].contains(figure), "{figure}: {text}");
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
