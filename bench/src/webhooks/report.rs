//! The report of the webhooks measurement, and whether each webhook was applied.

use std::fmt;
use std::time::Duration;

use super::WebhooksSettings;
use crate::compare::Quantile;
use crate::database;

/// The webhooks that were posted in one way.
#[derive(Clone, Debug, Default)]
pub struct WebhooksPhase {
    /// Time until each was answered 200, in µs.
    pub answers_us: Vec<f64>,
    /// From the first request to the last answer.
    pub accepting: Duration,
    /// From the first request until all were applied.
    pub applying: Duration,
    /// Time from receipt to the outbox in ms, for each webhook that caused an event.
    pub processing_ms: Vec<f64>,
}

/// The settings and the result of a measurement.
#[derive(Clone, Debug)]
pub struct WebhooksReport {
    /// The settings of the run.
    pub settings: WebhooksSettings,
    /// The first half, without pauses.
    pub burst: WebhooksPhase,
    /// The second half, at the rate of the settings.
    pub paced: WebhooksPhase,
    /// Webhooks that are not applied at the end.
    pub not_applied: i64,
    /// `Trial started` events in the outbox; one per person.
    pub trials: i64,
}

impl WebhooksReport {
    /// Whether each webhook was applied, and each trial has one event.
    pub fn holds(&self) -> bool {
        self.not_applied == 0 && usize::try_from(self.trials) == Ok(self.settings.people)
    }
}

impl fmt::Display for WebhooksReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WebhooksSettings {
            engine,
            people,
            rate,
            concurrency,
        } = &self.settings;
        writeln!(
            f,
            "webhooks on {}: signed webhooks of {people} trials to the real route",
            database::name(*engine)
        )?;
        let (burst, paced) = (&self.burst, &self.paced);
        let per_second = |number: usize, duration: Duration| number as f64 / duration.as_secs_f64();
        let number = burst.answers_us.len();
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
        writeln!(f, "  {rate} a second, {} of them", paced.answers_us.len())?;
        quantiles(f, paced)?;
        writeln!(
            f,
            "  {} webhooks not applied, {} of {people} trials with their event",
            self.not_applied, self.trials
        )?;
        write!(f, "  {}", if self.holds() { "holds" } else { "BROKEN" })
    }
}

fn quantiles(f: &mut fmt::Formatter<'_>, phase: &WebhooksPhase) -> fmt::Result {
    let of = |samples: &[f64]| Quantile::ALL.map(|quantile| quantile.of(samples.to_vec()));
    let [p50, p99] = of(&phase.answers_us).map(|us| us / 1e3);
    writeln!(f, "    answered           p50 {p50:8.1} ms   p99 {p99:8.1} ms")?;
    let [p50, p99] = of(&phase.processing_ms);
    writeln!(
        f,
        "    until in outbox    p50 {p50:8.0} ms   p99 {p99:8.0} ms   of {} events",
        phase.processing_ms.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use db::Engine;

    fn report(not_applied: i64, trials: i64) -> WebhooksReport {
        WebhooksReport {
            settings: WebhooksSettings {
                engine: Engine::Sqlite,
                people: 2,
                rate: 20,
                concurrency: 8,
            },
            burst: WebhooksPhase::default(),
            paced: WebhooksPhase::default(),
            not_applied,
            trials,
        }
    }

    #[test]
    fn every_webhook_is_applied_and_every_trial_has_one_event() {
        let rows = [
            ("complete", 0, 2, true),
            ("a webhook is pending or parked", 1, 2, false),
            ("an event is missing", 0, 1, false),
            ("an event is doubled", 0, 3, false),
        ];
        for (why, not_applied, trials, expected) in rows {
            assert_eq!(report(not_applied, trials).holds(), expected, "{why}");
        }
    }
}
