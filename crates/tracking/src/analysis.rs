//! All analyses of a user's events in one value. Pure.

use std::collections::BTreeSet;

use crate::facts::TimelineFacts;
use crate::proof::{MergedHistory, merged_histories};
use crate::received::{ReceivedEvent, Source};
use crate::reconcile::{Reconciliation, reconcile};
use crate::session_metrics::{StitchingComparison, compare};
use crate::verdict::{Verdict, verdict};

/// The analysis of a user's events.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// Rule by rule.
    pub verdict: Verdict,
    /// The facts that the events were checked against.
    pub facts: TimelineFacts,
    /// Session metrics, stitched and unstitched.
    pub comparison: StitchingComparison,
    /// Anonymous history that was merged into the user.
    pub merged_histories: Vec<MergedHistory>,
    /// Revenue events against Stripe's ledger.
    pub reconciliation: Reconciliation,
    /// Number of events that the server sent. No blocker affects them.
    pub from_server: usize,
    /// Names of the events, sorted.
    pub names: Vec<String>,
    /// Devices of the events, sorted; without those that Amplitude derived.
    pub devices: Vec<String>,
}

impl Analysis {
    /// Analyzes the events. Their order does not matter.
    pub fn of(events: &[ReceivedEvent], facts: TimelineFacts) -> Self {
        let distinct = |of: fn(&ReceivedEvent) -> Option<&str>| -> Vec<String> {
            let distinct: BTreeSet<&str> = events.iter().filter_map(of).collect();
            distinct.into_iter().map(str::to_owned).collect()
        };
        let from_server = events.iter().filter(|event| event.source != Source::Browser);
        Self {
            verdict: verdict(events, &facts),
            comparison: compare(events),
            merged_histories: merged_histories(events),
            reconciliation: reconcile(events, &facts),
            from_server: from_server.count(),
            names: distinct(|event| Some(&event.name)),
            devices: distinct(|event| event.device.as_deref().filter(|_| !event.derived_device)),
            facts,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_analysis_names_each_event_and_device_once() {
        let event = |name: &str, device: &str, library: &str| {
            ReceivedEvent::from_export(json!({
                "event_type": name,
                "event_time": "2026-11-18 11:06:40.123456",
                "device_id": device,
                "library": library,
            }))
            .unwrap()
        };
        let events = [
            event("Poll created", "d-2", "amplitude-ts/2.0.0"),
            event("Sign-up completed", "d-1", "seamline-server/0.1.0"),
            event("Poll created", "d-1", "amplitude-ts/2.0.0"),
        ];
        let analysis = Analysis::of(&events, TimelineFacts::default());
        assert_eq!(analysis.names, ["Poll created", "Sign-up completed"]);
        assert_eq!(analysis.devices, ["d-1", "d-2"]);
        assert_eq!((analysis.from_server, analysis.verdict.events), (1, 3));
    }
}
