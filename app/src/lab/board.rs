//! How the lab stands: what runs, what is still to come, and what came of each disturbance the last time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tracking::verdict::{Standing, Verdict};

use super::disturbance::Disturbance;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// What runs now.
    pub running: Option<Running>,
    /// Waits for its turn, the next one first.
    pub waiting: Vec<Disturbance>,
    /// What came of each, the last time that it was run.
    pub results: BTreeMap<Disturbance, Outcome>,
}

/// A life that is being lived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Under what.
    pub disturbance: Disturbance,
    /// What is being done, in a few words.
    pub step: String,
}

/// What came of a life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// When it ended, in ms since the epoch.
    pub ended_at: i64,
    /// How long it took, in ms.
    pub took_ms: i64,
    /// Each person's story.
    pub stories: Vec<Story>,
    /// Why it was not lived to its end, in a sentence.
    pub failed: Option<String>,
}

/// A scripted person's story, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// Who they are in the script.
    pub who: String,
    /// Their user ID: their timeline is found by it.
    pub user: String,
    /// What the rules say.
    pub verdict: Verdict,
}

impl Outcome {
    /// It was lived to its end, and no rule is broken in any story.
    pub fn is_clean(&self) -> bool {
        self.failed.is_none()
            && !self.stories.is_empty()
            && self.stories.iter().all(|story| story.verdict.clean)
    }

    /// How many rules stand so, in all stories.
    pub fn rules(&self, standing: Standing) -> usize {
        let rules = |story: &Story| story.verdict.rules(standing).len();
        self.stories.iter().map(rules).sum()
    }

    /// What it comes to, in a sentence.
    pub fn in_words(&self) -> String {
        match (&self.failed, self.stories.as_slice()) {
            (Some(reason), _) => reason.clone(),
            (None, [story]) => story.verdict.in_words(),
            (None, stories) => {
                let told = stories
                    .iter()
                    .map(|story| format!("{}: {}", story.who, story.verdict.in_words()));
                told.collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// How one disturbance stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It is not being run, and will not be by itself.
    Idle,
    /// It will be.
    Waiting,
    /// It is being run, and this is being done.
    Running(String),
}

impl Board {
    /// How one stands, and what came of it the last time.
    pub fn of(&self, disturbance: Disturbance) -> (Stand, Option<Outcome>) {
        let running = self.running.as_ref();
        let stand = match running.filter(|running| running.disturbance == disturbance) {
            Some(running) => Stand::Running(running.step.clone()),
            None if self.waiting.contains(&disturbance) => Stand::Waiting,
            None => Stand::Idle,
        };
        (stand, self.results.get(&disturbance).cloned())
    }

    /// Whether something runs: nothing else can be started then.
    pub const fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// What goes on, in a sentence.
    pub fn in_words(&self) -> String {
        match &self.running {
            Some(running) => {
                let then = match self.waiting.len() {
                    0 => String::new(),
                    1 => " One more waits.".to_owned(),
                    more => format!(" {more} more wait."),
                };
                format!(
                    "Running “{}”: {}.{then}",
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

#[cfg(test)]
mod tests {
    use tracking::verdict::{Facts, verdict};

    use super::*;

    fn outcome(clean: bool) -> Outcome {
        let mut verdict = verdict(&[], &Facts::default());
        verdict.clean = clean;
        Outcome {
            ended_at: 2,
            took_ms: 1,
            stories: vec![Story {
                who: "Ada".into(),
                user: "u-1".into(),
                verdict,
            }],
            failed: None,
        }
    }

    #[test]
    fn clean_is_lived_to_its_end_without_a_broken_rule() {
        assert!(outcome(true).is_clean());
        assert!(!outcome(false).is_clean());
        let failed = Outcome {
            failed: Some("Stripe does not answer.".into()),
            ..outcome(true)
        };
        assert!(!failed.is_clean());
        assert_eq!(failed.in_words(), "Stripe does not answer.");
        let nobody = Outcome {
            stories: vec![],
            ..outcome(true)
        };
        assert!(!nobody.is_clean(), "no story is no clean story");
    }

    #[test]
    fn what_goes_on() {
        let mut board = Board::default();
        assert_eq!(board.in_words(), "Nothing was run yet.");
        board.running = Some(Running {
            disturbance: Disturbance::SdkBlocked,
            step: "signing up".into(),
        });
        board.waiting = vec![Disturbance::SharedLaptop];
        assert_eq!(
            board.in_words(),
            "Running “SDK blocked”: signing up. One more waits."
        );
        assert_eq!(
            board.of(Disturbance::SdkBlocked).0,
            Stand::Running("signing up".into())
        );
        assert_eq!(board.of(Disturbance::SharedLaptop).0, Stand::Waiting);
        assert_eq!(board.of(Disturbance::Nothing), (Stand::Idle, None));
        board = Board::default();
        board.results.insert(Disturbance::Nothing, outcome(true));
        assert_eq!(board.in_words(), "The verdict is clean.");
        board.results.insert(Disturbance::SdkBlocked, outcome(false));
        assert_eq!(board.in_words(), "1 of 2 verdicts are not clean.");
    }

    #[test]
    fn a_board_survives_json() {
        let mut board = Board::default();
        board
            .results
            .insert(Disturbance::ClockOffByMinutes, outcome(true));
        let text = serde_json::to_string(&board).unwrap();
        assert!(text.contains("\"clock-off-by-minutes\":{"), "{text}");
        assert_eq!(serde_json::from_str::<Board>(&text).unwrap(), board);
    }
}
