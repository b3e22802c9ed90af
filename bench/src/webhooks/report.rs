//! The report of the webhooks measurement, and whether each webhook was applied.

use std::fmt;
use std::time::Duration;

use db::Engine;

use super::WebhooksSettings;
use crate::compare::Quantile;
use crate::database;
use crate::limit_check::LimitCheck;

/// The share of the bare server's rate that suffices on a slow machine.
const MIN_SHARE: f64 = 0.7;

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

/// The CPU time of the processes, from the first request of the burst until all webhooks were applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuShares {
    /// The app.
    pub app_secs: f64,
    /// The stand-in for Stripe.
    pub stripe_secs: f64,
}

/// What the bare server accepts of the same requests, with the same client.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineLimits {
    /// A handler that does nothing: the client's limit.
    pub client_per_second: f64,
    /// A handler that inserts the body, in groups.
    pub insert_per_second: f64,
}

/// The settings and the result of a measurement.
#[derive(Clone, Debug)]
pub struct WebhooksReport {
    /// The settings of the run.
    pub settings: WebhooksSettings,
    /// Webhooks without pauses.
    pub burst: WebhooksPhase,
    /// During the burst.
    pub cpu: CpuShares,
    /// Webhooks at the rate of the settings.
    pub paced: WebhooksPhase,
    /// The bare server.
    pub machine: MachineLimits,
    /// Webhooks that are not applied at the end.
    pub not_applied: i64,
    /// `Trial started` events in the outbox; one per person.
    pub trials: i64,
}

impl WebhooksReport {
    /// Whether each webhook was applied, each trial has one event, and webhooks were accepted fast enough: at the rate of
    /// the engine, or at 70 % of the bare server's.
    pub fn holds(&self) -> bool {
        self.checks().iter().all(|check| check.is_met)
    }

    fn checks(&self) -> [LimitCheck; 3] {
        let limit = match self.settings.engine {
            Engine::Sqlite => 5_000.0,
            Engine::Postgres => 3_000.0,
        };
        let accepted = per_second(&self.burst, self.burst.accepting);
        let share = accepted / self.machine.insert_per_second;
        [
            LimitCheck {
                figure: format!("{} webhooks not applied (at most 0)", self.not_applied),
                is_met: self.not_applied == 0,
            },
            LimitCheck {
                figure: format!("{} events of {} trials (one each)", self.trials, self.people()),
                is_met: usize::try_from(self.trials) == Ok(self.people()),
            },
            LimitCheck {
                figure: format!(
                    "accepted: {accepted:.0} /s (at least {limit}), {:.1} % of the bare insert (or at least {:.0})",
                    100.0 * share,
                    100.0 * MIN_SHARE
                ),
                is_met: accepted >= limit || share >= MIN_SHARE,
            },
        ]
    }

    fn people(&self) -> usize {
        self.settings.people + self.settings.paced_people
    }
}

impl fmt::Display for WebhooksReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WebhooksSettings {
            engine,
            rate,
            concurrency,
            ..
        } = &self.settings;
        let people = self.people();
        writeln!(
            f,
            "webhooks on {}: signed webhooks of {people} trials to the real route",
            database::name(*engine)
        )?;
        let (burst, paced) = (&self.burst, &self.paced);
        let accepted = per_second(burst, burst.accepting);
        let number = burst.answers_us.len();
        writeln!(f, "  at once, {concurrency} at a time, {number} of them")?;
        writeln!(
            f,
            "    accepted           {accepted:7.0} /s in {:.1} s",
            burst.accepting.as_secs_f64()
        )?;
        writeln!(
            f,
            "    applied            {:7.0} /s in {:.1} s",
            per_second(burst, burst.applying),
            burst.applying.as_secs_f64()
        )?;
        let CpuShares {
            app_secs,
            stripe_secs,
        } = self.cpu;
        let cpu_secs = app_secs + stripe_secs;
        writeln!(
            f,
            "    CPU                {app_secs:.1} s app, {stripe_secs:.1} s stand-in ({:.0} % of both)",
            100.0 * stripe_secs / cpu_secs
        )?;
        quantiles(f, burst)?;
        if !paced.answers_us.is_empty() {
            writeln!(f, "  {rate} a second, {} of them", paced.answers_us.len())?;
            quantiles(f, paced)?;
        }
        let MachineLimits {
            client_per_second,
            insert_per_second,
        } = self.machine;
        writeln!(f, "  bare axum server, the same requests")?;
        writeln!(
            f,
            "    no work            {client_per_second:7.0} /s (the client's limit)"
        )?;
        write!(f, "    one grouped insert {insert_per_second:7.0} /s")?;
        self.checks().iter().try_for_each(|check| write!(f, "\n{check}"))
    }
}

fn per_second(phase: &WebhooksPhase, duration: Duration) -> f64 {
    phase.answers_us.len() as f64 / duration.as_secs_f64()
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

    /// A report of `accepted` webhooks in one second.
    fn report(not_applied: i64, trials: i64, accepted: usize) -> WebhooksReport {
        WebhooksReport {
            settings: WebhooksSettings {
                engine: Engine::Sqlite,
                people: 1,
                paced_people: 1,
                rate: 20,
                concurrency: 8,
            },
            burst: WebhooksPhase {
                answers_us: vec![100.0; accepted],
                accepting: Duration::from_secs(1),
                ..WebhooksPhase::default()
            },
            cpu: CpuShares::default(),
            paced: WebhooksPhase::default(),
            machine: MachineLimits {
                client_per_second: 20_000.0,
                insert_per_second: 6_000.0,
            },
            not_applied,
            trials,
        }
    }

    #[test]
    fn every_webhook_is_applied_in_time_and_every_trial_has_one_event() {
        let rows = [
            ("complete", 0, 2, 5_000, None),
            ("a slow machine", 0, 2, 4_200, None),
            ("too slow", 0, 2, 4_100, Some("accepted: 4100 /s")),
            (
                "a webhook is pending or parked",
                1,
                2,
                5_000,
                Some("1 webhooks not applied"),
            ),
            ("an event is missing", 0, 1, 5_000, Some("1 events of 2 trials")),
            ("an event is doubled", 0, 3, 5_000, Some("3 events of 2 trials")),
        ];
        for (why, not_applied, trials, accepted, broken) in rows {
            let report = report(not_applied, trials, accepted);
            assert_eq!(report.holds(), broken.is_none(), "{why}");
            let text = report.to_string();
            let lines: Vec<&str> = text.lines().filter(|line| line.contains("BROKEN")).collect();
            assert_eq!(lines.len(), usize::from(broken.is_some()), "{text}");
            assert!(broken.is_none_or(|figure| lines[0].contains(figure)), "{text}");
            assert!(!text.contains("20 a second"), "no paced webhooks: {text}");
        }
    }
}
