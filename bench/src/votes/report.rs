//! The figures, and whether they keep what was promised.

use std::fmt;

use super::Settings;
use crate::compare::Quantile;
use crate::database;

/// Seconds over which a figure of memory is the median.
const WINDOW: usize = 10;
/// By how much memory may grow from the end of minute 1 to the end.
const GROWTH_MAX: f64 = 10.0;

/// What came out.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked for.
    pub settings: Settings,
    /// µs of each vote, by minute.
    pub rounds: Vec<Vec<f64>>,
    /// Voters that the app has counted.
    pub voters: u32,
    /// Choices that it has counted: one of each voter.
    pub chosen: u32,
    /// Voters whose vote is not their last.
    pub wrong: u32,
    /// Open pages that show the last vote.
    pub pages_up_to_date: usize,
    /// Messages that all of them have heard.
    pub pages_heard: u64,
    /// KiB, a second apart.
    pub memory: Vec<u64>,
}

impl Report {
    /// Whether no vote was lost or doubled, every page is up to date, and memory has not grown beyond what is promised.
    pub fn holds(&self) -> bool {
        self.lost() == 0
            && self.chosen == self.voters
            && self.wrong == 0
            && self.pages_up_to_date == usize::try_from(self.settings.live).unwrap_or(usize::MAX)
            && self.growth().is_none_or(|growth| growth < GROWTH_MAX)
    }

    /// Voters without a vote; below zero: votes of nobody.
    fn lost(&self) -> i64 {
        i64::from(self.settings.voters) - i64::from(self.voters)
    }

    /// MiB at the end of a minute.
    fn memory_after(&self, minute: usize) -> Option<f64> {
        let end = (minute * 60).min(self.memory.len());
        let window = self.memory.get(end.checked_sub(WINDOW)?..end)?;
        let samples = window.iter().map(|&kib| kib as f64 / 1024.0).collect();
        Some(Quantile::P50.of(samples))
    }

    /// In %, from the end of the first minute to the end of the last.
    fn growth(&self) -> Option<f64> {
        let last = usize::try_from(self.settings.minutes).ok()?;
        let (first, last) = (self.memory_after(1)?, self.memory_after(last)?);
        (self.settings.minutes > 1).then(|| (last / first - 1.0) * 100.0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings {
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
            let [half, most] =
                [Quantile::P50, Quantile::P99].map(|quantile| quantile.of(samples.clone()) / 1e3);
            writeln!(
                f,
                "  {name:<22} p50 {half:8.1} ms   p99 {most:8.1} ms   of {}",
                samples.len()
            )
        };
        line(f, "first votes", self.rounds.first().cloned().unwrap_or_default())?;
        if self.rounds.len() > 1 {
            line(f, "changed votes", self.rounds[1..].concat())?;
        }
        writeln!(
            f,
            "  votes                  {} counted, {} lost, {} counted twice, {} not the voter's last",
            self.voters,
            self.lost(),
            i64::from(self.chosen) - i64::from(self.voters),
            self.wrong
        )?;
        writeln!(
            f,
            "  open pages             {} of {live} up to date, {} messages heard",
            self.pages_up_to_date, self.pages_heard
        )?;
        match (self.memory_after(1), self.growth()) {
            (Some(first), Some(growth)) => {
                writeln!(
                    f,
                    "  resident memory        {first:.1} MiB after minute 1, {growth:+.1} % at the end"
                )?;
            }
            (Some(first), None) => writeln!(f, "  resident memory        {first:.1} MiB after minute 1")?,
            (None, _) => writeln!(f, "  resident memory        not known on this system")?,
        }
        write!(f, "  {}", if self.holds() { "holds" } else { "BROKEN" })
    }
}

#[cfg(test)]
mod tests {
    use db::Engine;

    use super::*;

    fn report() -> Report {
        Report {
            settings: Settings {
                engine: Engine::Sqlite,
                voters: 10,
                live: 2,
                minutes: 2,
            },
            rounds: vec![vec![1_000.0; 10]; 2],
            voters: 10,
            chosen: 10,
            wrong: 0,
            pages_up_to_date: 2,
            pages_heard: 7,
            memory: vec![102_400; 120],
        }
    }

    #[test]
    fn each_promise_can_be_broken() {
        assert!(report().holds(), "{}", report());
        let grown = [vec![102_400; 60], vec![113_000; 60]].concat();
        for (what, broken) in [
            (
                "lost",
                Report {
                    voters: 9,
                    chosen: 9,
                    ..report()
                },
            ),
            (
                "of nobody",
                Report {
                    voters: 11,
                    chosen: 11,
                    ..report()
                },
            ),
            (
                "twice",
                Report {
                    chosen: 11,
                    ..report()
                },
            ),
            ("not the last", Report { wrong: 1, ..report() }),
            (
                "a page behind",
                Report {
                    pages_up_to_date: 1,
                    ..report()
                },
            ),
            (
                "memory",
                Report {
                    memory: grown,
                    ..report()
                },
            ),
        ] {
            assert!(!broken.holds(), "{what}");
            assert!(broken.to_string().ends_with("BROKEN"), "{what}");
        }
    }

    #[test]
    fn a_short_run_says_what_it_knows() {
        let short = Report {
            settings: Settings {
                minutes: 1,
                ..report().settings
            },
            memory: Vec::new(),
            ..report()
        };
        assert!(short.holds());
        assert!(short.to_string().contains("not known on this system"));
    }
}
