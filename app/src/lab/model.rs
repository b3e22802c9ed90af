//! State of the lab: the current run, the queue, and the result of each disturbance's last run. Also the form of its page.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tracking::verdict::{RuleOutcome, Verdict};

use super::disturbance::Disturbance;

/// State of the lab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabState {
    /// The current run.
    pub running: Option<Running>,
    /// The queue, the next one first.
    pub waiting: Vec<Disturbance>,
    /// The result of each disturbance's last run.
    pub results: BTreeMap<Disturbance, Outcome>,
}

/// A run that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its disturbance.
    pub disturbance: Disturbance,
    /// The current step, in a few words.
    pub step: String,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// When it ended, in ms since the epoch.
    pub ended_at: i64,
    /// How long it took, in ms.
    pub took_ms: i64,
    /// The timeline of each user of the scenario.
    #[serde(rename = "stories")]
    pub users: Vec<UserResult>,
    /// Why the run was not completed, as a sentence.
    pub failed: Option<String>,
}

/// The result of a scripted user: the verdict on the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserResult {
    /// Name of the user in the scenario.
    pub who: String,
    /// The user ID, by which the timeline is found.
    pub user: String,
    /// The verdict.
    pub verdict: Verdict,
}

impl Outcome {
    /// Whether the run was completed and no rule is broken in any timeline.
    pub fn is_clean(&self) -> bool {
        self.failed.is_none() && !self.users.is_empty() && self.users.iter().all(|user| user.verdict.clean)
    }

    /// How many rules have this result, in all timelines.
    pub fn rules(&self, outcome: RuleOutcome) -> usize {
        let rules = |user: &UserResult| user.verdict.rules(outcome).len();
        self.users.iter().map(rules).sum()
    }

    /// The summary on the page.
    pub fn in_words(&self) -> String {
        match (&self.failed, self.users.as_slice()) {
            (Some(reason), _) => reason.clone(),
            (None, [user]) => user.verdict.summary(),
            (None, users) => {
                let summaries = users
                    .iter()
                    .map(|user| format!("{}: {}", user.who, user.verdict.summary()));
                summaries.collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// State of one disturbance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It does not run and is not queued.
    Idle,
    /// It is queued.
    Waiting,
    /// It runs, and this is the current step.
    Running(String),
}

impl LabState {
    /// State of a disturbance, and the result of its last run.
    pub fn of(&self, disturbance: Disturbance) -> (RunState, Option<Outcome>) {
        let running = self.running.as_ref();
        let run_state = match running.filter(|running| running.disturbance == disturbance) {
            Some(running) => RunState::Running(running.step.clone()),
            None if self.waiting.contains(&disturbance) => RunState::Waiting,
            None => RunState::Idle,
        };
        (run_state, self.results.get(&disturbance).cloned())
    }

    /// Whether a run is under way. No other run can be started then.
    pub const fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// The status line of the page.
    pub fn in_words(&self) -> String {
        match &self.running {
            Some(running) => {
                let queued = match self.waiting.len() {
                    0 => String::new(),
                    1 => " 1 more is queued.".to_owned(),
                    more => format!(" {more} more are queued."),
                };
                format!(
                    "Running “{}”: {}.{queued}",
                    running.disturbance.title(),
                    running.step
                )
            }
            None if self.results.is_empty() => "Nothing was run yet.".to_owned(),
            None => {
                let all = self.results.len();
                let clean = self.results.values().filter(|outcome| outcome.is_clean()).count();
                match all - clean {
                    0 if all == 1 => "The verdict is clean.".to_owned(),
                    0 => format!("All {all} verdicts are clean."),
                    broken => format!("{broken} of {all} verdicts are not clean."),
                }
            }
        }
    }
}

/// The form of the page that starts a run: a hidden field and a button.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LabForm {
    /// Name of a disturbance, or `all`.
    pub run: String,
}

/// The lab's answer to a request for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAnswer {
    /// The run was started.
    Started,
    /// Another run is under way.
    Busy,
    /// There is no disturbance of this name.
    Unknown,
}

impl StartAnswer {
    /// Its value in the page's URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Busy => "busy",
            Self::Unknown => "unknown",
        }
    }

    /// The sentence for the value in the page's URL. A run that was started needs none: the status line shows it.
    pub(super) fn sentence(name: &str) -> Option<&'static str> {
        match name {
            "busy" => Some(
                "Nothing was started: a run is under way, and only one run at a time can use the run_state-ins.",
            ),
            "unknown" => Some("Nothing was started: there is no such disturbance."),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use tracking::verdict::{TimelineFacts, verdict};

    use super::*;

    fn outcome(clean: bool) -> Outcome {
        let mut verdict = verdict(&[], &TimelineFacts::default());
        verdict.clean = clean;
        Outcome {
            ended_at: 2,
            took_ms: 1,
            users: vec![UserResult {
                who: "Ada".into(),
                user: "u-1".into(),
                verdict,
            }],
            failed: None,
        }
    }

    #[test]
    fn a_clean_run_is_completed_and_breaks_no_rule() {
        assert!(outcome(true).is_clean());
        assert!(!outcome(false).is_clean());
        let failed = Outcome {
            failed: Some("Stripe does not answer.".into()),
            ..outcome(true)
        };
        assert!(!failed.is_clean());
        assert_eq!(failed.in_words(), "Stripe does not answer.");
        let empty = Outcome {
            users: vec![],
            ..outcome(true)
        };
        assert!(!empty.is_clean(), "a run without a timeline is not clean");
    }

    #[test]
    fn the_status_line() {
        let mut state = LabState::default();
        assert_eq!(state.in_words(), "Nothing was run yet.");
        state.running = Some(Running {
            disturbance: Disturbance::SdkBlocked,
            step: "signing up".into(),
        });
        state.waiting = vec![Disturbance::SharedLaptop];
        assert_eq!(
            state.in_words(),
            "Running “SDK blocked”: signing up. 1 more is queued."
        );
        assert_eq!(
            state.of(Disturbance::SdkBlocked).0,
            RunState::Running("signing up".into())
        );
        assert_eq!(state.of(Disturbance::SharedLaptop).0, RunState::Waiting);
        assert_eq!(state.of(Disturbance::Nothing), (RunState::Idle, None));
        state = LabState::default();
        state.results.insert(Disturbance::Nothing, outcome(true));
        assert_eq!(state.in_words(), "The verdict is clean.");
        state.results.insert(Disturbance::SdkBlocked, outcome(false));
        assert_eq!(state.in_words(), "1 of 2 verdicts are not clean.");
    }

    #[test]
    fn an_outcome_is_the_same_after_json() {
        let text = serde_json::to_string(&outcome(true)).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome(true));
    }
}
