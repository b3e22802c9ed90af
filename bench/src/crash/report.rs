//! What a run came to, as text.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Settings;
use super::verdict::{Arrival, Offence};
use crate::database;

/// Settings, figures, and whatever is wrong.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was run.
    pub settings: Settings,
    /// What happened.
    pub figures: Figures,
    /// Promises that were not kept; empty is what it should be.
    pub offences: Vec<Offence>,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Accounts in the database.
    pub accounts: usize,
    /// Logins in the database.
    pub logins: usize,
    /// How often the app was killed.
    pub kills: usize,
    /// How often the collector was away.
    pub outages: usize,
    /// Visitors' requests that were answered.
    pub answered: u64,
    /// Visitors' requests whose answer never came.
    pub lost: u64,
    /// Events that the collector took.
    pub events: usize,
    /// Arrivals of events at the collector, whatever became of them.
    pub arrivals: usize,
    /// Arrivals of an event that the collector had taken before.
    pub repeats: usize,
    /// Arrivals that were not answered 200, by what they were answered.
    pub faults: BTreeMap<Option<u64>, usize>,
    /// From the first visitor to the last, kills included.
    pub driven: Duration,
    /// From then until the outbox was empty.
    pub settling: Duration,
}

impl Figures {
    pub(super) fn of_arrivals(arrivals: &[Arrival]) -> Self {
        let with = |outcome: &str| {
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
            events: with("accepted"),
            arrivals: arrivals.len(),
            repeats: with("duplicate"),
            faults,
            ..Self::default()
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            settings,
            figures,
            offences,
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
            "  requests    {} answered, {} lost",
            figures.answered, figures.lost
        )?;
        writeln!(f, "  app         killed {} times", figures.kills)?;
        writeln!(
            f,
            "  collector   away {} times; answers other than 200, by event: {faults}",
            figures.outages
        )?;
        writeln!(
            f,
            "  deliveries  {} arrivals of {} events, {} of them repeats of what it had",
            figures.arrivals, figures.events, figures.repeats
        )?;
        writeln!(
            f,
            "  seconds     {:.1} driving, {:.1} until all was delivered",
            figures.driven.as_secs_f64(),
            figures.settling.as_secs_f64()
        )?;
        for offence in offences {
            writeln!(f, "  BROKEN      {offence}")?;
        }
        let verdict = match offences.len() {
            0 => "every promise was kept".to_owned(),
            broken => format!("{broken} broken promises"),
        };
        write!(f, "  verdict     {verdict}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_counted_by_what_became_of_them() {
        let arrival = |outcome: &str, answered| Arrival {
            outcome: outcome.into(),
            answered,
            ..Arrival::default()
        };
        let figures = Figures::of_arrivals(&[
            arrival("accepted", Some(200)),
            arrival("accepted", Some(500)),
            arrival("duplicate", Some(200)),
            arrival("fault", Some(429)),
            arrival("fault", None),
        ]);
        assert_eq!((figures.events, figures.arrivals, figures.repeats), (2, 5, 1));
        assert_eq!(
            figures.faults,
            BTreeMap::from([(None, 1), (Some(429), 1), (Some(500), 1)])
        );
    }
}
