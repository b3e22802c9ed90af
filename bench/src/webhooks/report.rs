//! The figures, and whether every webhook became what it should.

use std::fmt;
use std::time::Duration;

use super::Settings;
use crate::compare::Quantile;
use crate::database;

/// Webhooks that were posted in one manner.
#[derive(Clone, Debug, Default)]
pub struct Phase {
    /// µs until each was answered 200.
    pub answers: Vec<f64>,
    /// From the first post to the last answer.
    pub accepting: Duration,
    /// From the first post until all were applied.
    pub applying: Duration,
    /// ms from acceptance to the outbox, of each that became an event.
    pub waits: Vec<f64>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked for.
    pub settings: Settings,
    /// As fast as they go.
    pub burst: Phase,
    /// At the rate of the settings.
    pub paced: Phase,
    /// Webhooks that are not applied in the end.
    pub not_applied: i64,
    /// `Trial started` events in the outbox: one of each person.
    pub trials: i64,
}

impl Report {
    /// Whether each webhook was applied, and each trial told once.
    pub fn holds(&self) -> bool {
        self.not_applied == 0 && usize::try_from(self.trials) == Ok(self.settings.people)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings {
            engine,
            people,
            rate,
            concurrency,
        } = &self.settings;
        writeln!(
            f,
            "webhooks on {}: {people} people's trials, signed, by the real route",
            database::name(*engine)
        )?;
        let (burst, paced) = (&self.burst, &self.paced);
        let per_second = |number: usize, took: Duration| number as f64 / took.as_secs_f64();
        let number = burst.answers.len();
        writeln!(f, "  at once, {concurrency} at a time, {number} of them")?;
        writeln!(
            f,
            "    accepted           {:7.0} /s",
            per_second(number, burst.accepting)
        )?;
        writeln!(
            f,
            "    applied            {:7.0} /s",
            per_second(number, burst.applying)
        )?;
        quantiles(f, burst)?;
        writeln!(f, "  {rate} a second, {} of them", paced.answers.len())?;
        quantiles(f, paced)?;
        writeln!(
            f,
            "  {} webhooks not applied, {} of {people} trials told",
            self.not_applied, self.trials
        )?;
        write!(f, "  {}", if self.holds() { "holds" } else { "BROKEN" })
    }
}

fn quantiles(f: &mut fmt::Formatter<'_>, phase: &Phase) -> fmt::Result {
    let of = |samples: &[f64]| Quantile::ALL.map(|quantile| quantile.of(samples.to_vec()));
    let [half, most] = of(&phase.answers).map(|us| us / 1e3);
    writeln!(f, "    answered           p50 {half:8.1} ms   p99 {most:8.1} ms")?;
    let [half, most] = of(&phase.waits);
    writeln!(
        f,
        "    until in outbox    p50 {half:8.0} ms   p99 {most:8.0} ms   of {} events",
        phase.waits.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use db::Engine;

    fn report(not_applied: i64, trials: i64) -> Report {
        Report {
            settings: Settings {
                engine: Engine::Sqlite,
                people: 2,
                rate: 20,
                concurrency: 8,
            },
            burst: Phase::default(),
            paced: Phase::default(),
            not_applied,
            trials,
        }
    }

    #[test]
    fn every_webhook_is_applied_and_every_trial_told_once() {
        let rows = [
            ("as it should be", 0, 2, true),
            ("one waits or is parked", 1, 2, false),
            ("a trial is missing", 0, 1, false),
            ("a trial is told twice", 0, 3, false),
        ];
        for (why, not_applied, trials, expected) in rows {
            assert_eq!(report(not_applied, trials).holds(), expected, "{why}");
        }
    }
}
