//! The report of the timeline measurement, and its limits.

use std::fmt;

use serde_json::Value;

use super::TimelineSettings;
use crate::compare::Quantile;

/// Limit until the newest events are painted and the islands run.
const OPENING_LIMIT_MS: f64 = 1_000.0;
/// Limit for a task while the page is scrolled.
const TASK_LIMIT_MS: f64 = 50.0;

/// The settings and the result of a measurement.
#[derive(Clone, Debug)]
pub struct TimelineReport {
    /// The settings of the run.
    pub settings: TimelineSettings,
    /// The JSON that `end2end/bench/timeline.mjs` printed.
    pub measured: Value,
}

impl TimelineReport {
    /// Whether the timeline opens in time and scrolls without a long task. `false` without measurements.
    pub fn holds(&self) -> bool {
        self.opened("islandsStarted")
            .is_some_and(|ms| ms < OPENING_LIMIT_MS)
            && self.longest("first") < TASK_LIMIT_MS
            && self.longest("whole") < TASK_LIMIT_MS
    }

    /// Returns the median of a figure over all openings; `None` when an opening lacks it.
    fn opened(&self, figure: &str) -> Option<f64> {
        let openings = self.measured["opened"].as_array()?;
        let figures: Vec<f64> = openings
            .iter()
            .filter_map(|opening| opening[figure].as_f64())
            .collect();
        (figures.len() == openings.len() && !figures.is_empty()).then(|| Quantile::P50.of(figures))
    }

    /// Returns the longest task in ms of one scroll through the page; the browser reports none below 50 ms.
    fn longest(&self, scroll: &str) -> f64 {
        longest(&self.measured[scroll])
    }

    fn reads(&self) -> &[Value] {
        self.measured["reads"].as_array().map_or(&[], Vec::as_slice)
    }
}

fn longest(tasks: &Value) -> f64 {
    let tasks = tasks.as_array().into_iter().flatten();
    tasks.filter_map(Value::as_f64).fold(0.0, f64::max)
}

impl fmt::Display for TimelineReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TimelineSettings { sessions, each, .. } = &self.settings;
        writeln!(
            f,
            "a timeline of {} events in {sessions} sessions",
            sessions * each
        )?;
        let opened = |figure| self.opened(figure).unwrap_or(f64::NAN);
        writeln!(
            f,
            "  opens          first byte {:.0} ms, document {:.0} ms ({:.0} KiB), painted {:.0} ms, islands started {:.0} ms (medians)",
            opened("firstByte"),
            opened("document"),
            opened("bytes") / 1_024.0,
            opened("painted"),
            opened("islandsStarted"),
        )?;
        let task = |ms: f64| match ms {
            ms if ms < TASK_LIMIT_MS => format!("no task of {TASK_LIMIT_MS} ms"),
            ms => format!("a task of {ms:.0} ms"),
        };
        writeln!(
            f,
            "  scrolls        {} events: {}",
            opened("events"),
            task(self.longest("first"))
        )?;
        let took_ms: Vec<f64> = self
            .reads()
            .iter()
            .filter_map(|read| read["took"].as_f64())
            .collect();
        if !took_ms.is_empty() {
            let tasks = self.reads().iter().map(|read| longest(&read["tasks"]));
            writeln!(
                f,
                "  earlier pages  {} times: {:.0} ms each at p50, {:.0} at most; {}",
                took_ms.len(),
                Quantile::P50.of(took_ms.clone()),
                took_ms.iter().copied().fold(0.0, f64::max),
                task(tasks.fold(0.0, f64::max)),
            )?;
        }
        write!(
            f,
            "  scrolls again  {} events: {}",
            self.measured["events"],
            task(self.longest("whole"))
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(islands_started_ms: f64, first: &[f64], whole: &[f64]) -> TimelineReport {
        let opening = json!({"firstByte": 20, "document": 30, "bytes": 2048, "painted": 90, "islandsStarted": islands_started_ms, "events": 125});
        TimelineReport {
            settings: TimelineSettings {
                sessions: 2_000,
                each: 25,
                openings: 1,
                pages: 1,
            },
            measured: json!({
                "opened": [opening], "first": first, "whole": whole, "events": 250,
                "reads": [{"took": 120, "tasks": [60]}],
            }),
        }
    }

    #[test]
    fn each_limit_can_fail() {
        assert!(report(400.0, &[], &[]).holds());
        assert!(!report(1_200.0, &[], &[]).holds());
        assert!(!report(400.0, &[51.0], &[]).holds());
        assert!(!report(400.0, &[], &[70.0]).holds());
        let without_measurements = TimelineReport {
            measured: json!({}),
            ..report(1.0, &[], &[])
        };
        assert!(
            !without_measurements.holds(),
            "a report without measurements fails"
        );
    }

    #[test]
    fn it_prints_the_measurements() {
        let text = report(400.0, &[], &[70.0]).to_string();
        for part in [
            "50000 events",
            "islands started 400 ms",
            "no task of 50 ms",
            "a task of 60 ms",
            "a task of 70 ms",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
