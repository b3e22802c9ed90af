//! The report of a crash run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::CrashSettings;
use super::checks::{Arrival, Violation};
use crate::database;

/// Settings, figures and violations of a run.
#[derive(Clone, Debug)]
pub struct CrashReport {
    /// The settings of the run.
    pub settings: CrashSettings,
    /// The counts of the run.
    pub figures: CrashFigures,
    /// The violations; empty when the run passed.
    pub violations: Vec<Violation>,
}

/// Counts and durations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrashFigures {
    /// Accounts in the database.
    pub accounts: usize,
    /// Logins in the database.
    pub logins: usize,
    /// How often the app was killed.
    pub kills: usize,
    /// How often the collector was stopped.
    pub outages: usize,
    /// Visitors' requests that were answered.
    pub answered: u64,
    /// Visitors' requests without an answer.
    pub lost: u64,
    /// Visitors' forms that were answered 429.
    pub limited: u64,
    /// Events that the collector accepted.
    pub events: usize,
    /// Arrivals of events at the collector, accepted or not.
    pub arrivals: usize,
    /// Arrivals of events that the collector had accepted before.
    pub duplicates: usize,
    /// Arrivals that were not answered 200, by status.
    pub faults: BTreeMap<Option<u64>, usize>,
    /// From the first visitor's start to the last one's end, including kills.
    pub driven: Duration,
    /// From then until the outbox was empty.
    pub settling: Duration,
}

impl CrashFigures {
    /// Counts arrivals; the other fields are zero.
    pub(super) fn of_arrivals(arrivals: &[Arrival]) -> Self {
        let count = |outcome: &str| {
            arrivals
                .iter()
                .filter(|arrival| arrival.outcome == outcome)
                .count()
        };
        let mut faults = BTreeMap::new();
        for arrival in arrivals.iter().filter(|arrival| arrival.answered != Some(200)) {
            *faults.entry(arrival.answered).or_default() += 1;
        }
        Self {
            events: count("accepted"),
            arrivals: arrivals.len(),
            duplicates: count("duplicate"),
            faults,
            ..Self::default()
        }
    }
}

impl fmt::Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            settings,
            figures,
            violations,
        } = self;
        let faults = figures.faults.iter().map(|(status, events)| match status {
            Some(status) => format!("{events} × {status}"),
            None => format!("{events} × no answer"),
        });
        let faults = faults.collect::<Vec<_>>().join(", ");
        writeln!(
            f,
            "crash run on {}, seed {}",
            database::name(settings.engine),
            settings.seed
        )?;
        writeln!(
            f,
            "  sign-ups    {} accounts, {} logins",
            figures.accounts, figures.logins
        )?;
        writeln!(
            f,
            "  requests    {} answered, {} of them 429, {} lost",
            figures.answered, figures.limited, figures.lost
        )?;
        writeln!(f, "  app         killed {} times", figures.kills)?;
        writeln!(
            f,
            "  collector   stopped {} times; answers other than 200, by event: {faults}",
            figures.outages
        )?;
        writeln!(
            f,
            "  deliveries  {} arrivals of {} events, {} of them duplicates",
            figures.arrivals, figures.events, figures.duplicates
        )?;
        writeln!(
            f,
            "  seconds     {:.1} with kills, {:.1} until the outbox was empty",
            figures.driven.as_secs_f64(),
            figures.settling.as_secs_f64()
        )?;
        for violation in violations {
            writeln!(f, "  VIOLATION   {violation}")?;
        }
        let result = match violations.len() {
            0 => "no violations".to_owned(),
            number => format!("{number} violations"),
        };
        write!(f, "  result      {result}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_counted_by_outcome_and_status() {
        let arrival = |outcome: &str, answered| Arrival {
            outcome: outcome.into(),
            answered,
            ..Arrival::default()
        };
        let figures = CrashFigures::of_arrivals(&[
            arrival("accepted", Some(200)),
            arrival("accepted", Some(500)),
            arrival("duplicate", Some(200)),
            arrival("fault", Some(429)),
            arrival("fault", None),
        ]);
        assert_eq!((figures.events, figures.arrivals, figures.duplicates), (2, 5, 1));
        assert_eq!(
            figures.faults,
            BTreeMap::from([(None, 1), (Some(429), 1), (Some(500), 1)])
        );
    }
}
