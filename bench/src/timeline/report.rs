//! The figures, and whether they keep what was promised.

use std::fmt;

use serde_json::Value;

use super::Settings;
use crate::compare::Quantile;

/// Until the newest events stand there and the page is alive, in ms.
const OPENS_WITHIN: f64 = 1_000.0;
/// The longest task while the story is scrolled, in ms.
const TASK_MAX: f64 = 50.0;

/// What came out.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked for.
    pub settings: Settings,
    /// What the browser measured: see `end2end/bench/timeline.mjs`.
    pub measured: Value,
}

impl Report {
    /// Whether the story opens in time and scrolls without a long task.
    pub fn holds(&self) -> bool {
        self.opened("alive").is_some_and(|ms| ms < OPENS_WITHIN)
            && self.longest("first") < TASK_MAX
            && self.longest("whole") < TASK_MAX
    }

    /// Over all openings, the median of one of their figures.
    fn opened(&self, figure: &str) -> Option<f64> {
        let openings = self.measured["opened"].as_array()?;
        let figures: Vec<f64> = openings
            .iter()
            .filter_map(|opening| opening[figure].as_f64())
            .collect();
        (figures.len() == openings.len() && !figures.is_empty()).then(|| Quantile::P50.of(figures))
    }

    /// The longest task on a way through the page; the browser reports none below 50 ms.
    fn longest(&self, way: &str) -> f64 {
        longest(&self.measured[way])
    }

    fn reads(&self) -> &[Value] {
        self.measured["reads"].as_array().map_or(&[], Vec::as_slice)
    }
}

fn longest(tasks: &Value) -> f64 {
    let tasks = tasks.as_array().into_iter().flatten();
    tasks.filter_map(Value::as_f64).fold(0.0, f64::max)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { sessions, each, .. } = &self.settings;
        writeln!(f, "a story of {} events in {sessions} sessions", sessions * each)?;
        let opened = |figure| self.opened(figure).unwrap_or(f64::NAN);
        writeln!(
            f,
            "  opens          first byte {:.0} ms, document {:.0} ms ({:.0} KiB), painted {:.0} ms, alive {:.0} ms (medians)",
            opened("firstByte"),
            opened("document"),
            opened("bytes") / 1_024.0,
            opened("painted"),
            opened("alive"),
        )?;
        let task = |ms: f64| match ms {
            ms if ms < TASK_MAX => format!("no task of {TASK_MAX} ms"),
            ms => format!("a task of {ms:.0} ms"),
        };
        writeln!(
            f,
            "  scrolls        {} events: {}",
            opened("events"),
            task(self.longest("first"))
        )?;
        let took: Vec<f64> = self
            .reads()
            .iter()
            .filter_map(|read| read["took"].as_f64())
            .collect();
        if !took.is_empty() {
            let tasks = self.reads().iter().map(|read| longest(&read["tasks"]));
            writeln!(
                f,
                "  goes further   {} times: {:.0} ms each at p50, {:.0} at most; {}",
                took.len(),
                Quantile::P50.of(took.clone()),
                took.iter().copied().fold(0.0, f64::max),
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

    fn report(alive: f64, first: &[f64], whole: &[f64]) -> Report {
        let opening = json!({"firstByte": 20, "document": 30, "bytes": 2048, "painted": 90, "alive": alive, "events": 125});
        Report {
            settings: Settings {
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
    fn each_promise_can_be_broken() {
        assert!(report(400.0, &[], &[]).holds());
        assert!(!report(1_200.0, &[], &[]).holds());
        assert!(!report(400.0, &[51.0], &[]).holds());
        assert!(!report(400.0, &[], &[70.0]).holds());
        let nothing = Report {
            measured: json!({}),
            ..report(1.0, &[], &[])
        };
        assert!(!nothing.holds(), "no figures are no proof");
    }

    #[test]
    fn it_says_what_it_knows() {
        let text = report(400.0, &[], &[70.0]).to_string();
        for part in [
            "50000 events",
            "alive 400 ms",
            "no task of 50 ms",
            "a task of 60 ms",
            "a task of 70 ms",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
