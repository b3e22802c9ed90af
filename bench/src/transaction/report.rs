//! The report of the transaction measurement, and its limits.

use std::fmt;

use crate::compare::Quantile;
use crate::limit_check::LimitCheck;
use crate::table::ComparisonTable;

/// The most that a sign-up with its event may take, in bare commits.
const MAX_ALONE: f64 = 1.5;
/// The most that the event may add, in percent.
const MAX_EVENT_PERCENT: f64 = 25.0;
/// The least rate of parallel sign-ups, in rates of sequential bare commits.
const MIN_PARALLEL: f64 = 5.0;

/// The result of a measurement.
#[derive(Clone, Debug)]
pub struct TransactionReport {
    /// The sign-ups with event and without.
    pub table: ComparisonTable,
    /// Sign-ups with their event, one after another, in µs.
    pub alone_us: Vec<f64>,
    /// Bare commits of one row, one after another, in µs.
    pub bare_us: Vec<f64>,
    /// Sign-ups with their event, 32 at a time.
    pub parallel_per_second: f64,
    /// Whether commits wait for the disk. Otherwise the limits do not apply.
    pub is_durable: bool,
}

impl TransactionReport {
    /// Whether the limits hold, which compare with a bare commit at the same durability.
    pub fn holds(&self) -> bool {
        !self.is_durable || self.checks().iter().all(|check| check.is_met)
    }

    fn checks(&self) -> [LimitCheck; 3] {
        let (alone, percent, parallel) = (self.alone(), self.table.percent_in_pairs(), self.parallel());
        [
            LimitCheck {
                figure: format!(
                    "sequential: {alone:.2} × a bare commit (at most {MAX_ALONE}; met if a bare commit takes at least {:.0} µs)",
                    self.min_commit_us()
                ),
                is_met: alone <= MAX_ALONE,
            },
            LimitCheck {
                figure: format!("event in pairs: {percent:+.2} % (at most {MAX_EVENT_PERCENT})"),
                is_met: percent <= MAX_EVENT_PERCENT,
            },
            LimitCheck {
                figure: format!(
                    "32 at a time: {parallel:.2} × the rate of sequential bare commits (at least {MIN_PARALLEL}; met if a bare commit takes at least {:.0} µs)",
                    MIN_PARALLEL * 1e6 / self.parallel_per_second
                ),
                is_met: parallel >= MIN_PARALLEL,
            },
        ]
    }

    /// A sign-up alone, in bare commits (p50).
    fn alone(&self) -> f64 {
        Quantile::P50.of(self.alone_us.clone()) / self.bare_p50_us()
    }

    /// The shortest bare commit, in µs, with which a sign-up alone meets its limit, if the rest of it takes the same time.
    fn min_commit_us(&self) -> f64 {
        let beyond_us = Quantile::P50.of(self.alone_us.clone()) - self.bare_p50_us();
        (beyond_us / (MAX_ALONE - 1.0)).max(0.0)
    }

    /// The rate of parallel sign-ups, in rates of sequential bare commits.
    fn parallel(&self) -> f64 {
        self.parallel_per_second / self.bare_per_second()
    }

    fn bare_p50_us(&self) -> f64 {
        Quantile::P50.of(self.bare_us.clone())
    }

    fn bare_per_second(&self) -> f64 {
        self.bare_us.len() as f64 * 1e6 / self.bare_us.iter().sum::<f64>()
    }
}

impl fmt::Display for TransactionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.table)?;
        writeln!(
            f,
            "  bare commit of one row, sequential   p50 {:6.0} µs   {:7.0} /s",
            self.bare_p50_us(),
            self.bare_per_second()
        )?;
        writeln!(
            f,
            "  sign-up with event, sequential       p50 {:6.0} µs",
            Quantile::P50.of(self.alone_us.clone())
        )?;
        write!(
            f,
            "  sign-up with event, 32 at a time                      {:7.0} /s",
            self.parallel_per_second
        )?;
        if !self.is_durable {
            return write!(f, "\n  no limit applies: this server does not sync its commits");
        }
        self.checks().iter().try_for_each(|check| write!(f, "\n{check}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Quad;

    fn report(event_us: f64, bare_us: f64, parallel_per_second: f64) -> TransactionReport {
        let quad = Quad {
            with: [vec![1_000.0 + event_us], vec![1_000.0 + event_us]],
            without: [vec![1_000.0], vec![1_000.0]],
        };
        TransactionReport {
            table: ComparisonTable::new(String::new(), &vec![quad; 8]),
            alone_us: vec![1_000.0 + event_us],
            bare_us: vec![bare_us],
            parallel_per_second,
            is_durable: true,
        }
    }

    #[test]
    fn each_limit_is_checked() {
        for (event_us, bare_us, parallel_per_second, broken) in [
            (200.0, 800.0, 6_250.0, None),
            (300.0, 1_000.0, 6_250.0, Some("event in pairs: +30.00 %")),
            (200.0, 700.0, 10_000.0, Some("sequential: 1.71 ×")),
            (200.0, 800.0, 6_000.0, Some("32 at a time: 4.80 ×")),
        ] {
            let mut report = report(event_us, bare_us, parallel_per_second);
            assert_eq!(report.holds(), broken.is_none(), "{report}");
            let text = report.to_string();
            let lines: Vec<&str> = text.lines().filter(|line| line.contains("BROKEN")).collect();
            assert_eq!(lines.len(), usize::from(broken.is_some()), "{text}");
            assert!(broken.is_none_or(|figure| lines[0].contains(figure)), "{text}");
            report.is_durable = false;
            assert!(report.holds() && !report.to_string().contains("BROKEN"));
        }
    }
}
