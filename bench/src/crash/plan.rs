//! The plan of a crash run: when the app is killed and how the collector behaves. It is drawn from a seed and counts
//! answered requests instead of seconds, so that a run is the same on a slow and on a fast machine. Pure.

use fastrand::Rng;
use serde_json::{Value, json};

/// The kills of the app and the mode changes of the collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashPlan {
    /// Kills in order of time.
    pub kills: Vec<ScheduledKill>,
    /// Mode changes in order of time.
    pub mode_changes: Vec<ModeChange>,
}

/// One `kill -9` of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledKill {
    /// The number of answered requests before it.
    pub after_answers: u64,
    /// Whether the app is killed again before it is ready, which counts as another kill.
    pub again_while_starting: bool,
}

/// A change of the collector's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeChange {
    /// The number of answered requests before it.
    pub after_answers: u64,
    /// The new mode.
    pub mode: CollectorMode,
}

/// How the collector treats uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectorMode {
    /// No faults.
    Normal,
    /// Half of the uploads are answered 429.
    Throttling,
    /// Half of the uploads are answered 500.
    Failing,
    /// Half of the uploads are accepted and answered 500.
    LosingAnswers,
    /// One upload gets no answer until the mode changes.
    Hanging,
    /// Each answer is delayed, so that kills meet uploads in progress.
    Slow,
    /// The collector is stopped; connections are refused.
    Stopped,
}

impl CollectorMode {
    const ALL: [Self; 7] = [
        Self::Slow,
        Self::LosingAnswers,
        Self::Stopped,
        Self::Throttling,
        Self::Failing,
        Self::Hanging,
        Self::Normal,
    ];

    /// Returns an empty list of faults.
    pub fn no_faults() -> Value {
        json!([])
    }

    /// Returns a fault that accepts the next upload and answers 500.
    pub fn first_answer_lost() -> Value {
        json!([{"answer": 500, "count": 1, "after_ingest": true}])
    }

    /// Returns the faults of the mode; `None` when the collector is stopped.
    pub fn faults(self, seed: u64) -> Option<Value> {
        let half_of_uploads = |answer: Value, after_ingest: bool| json!([{"answer": answer, "share": 0.5, "seed": seed, "after_ingest": after_ingest}]);
        Some(match self {
            Self::Normal => Self::no_faults(),
            Self::Throttling => half_of_uploads(json!(429), false),
            Self::Failing => half_of_uploads(json!(500), false),
            Self::LosingAnswers => half_of_uploads(json!(500), true),
            Self::Hanging => json!([{"answer": "hang", "count": 1}]),
            Self::Slow => json!([{"answer": "slow", "ms": 300}]),
            Self::Stopped => return None,
        })
    }
}

/// One restart in this many is interrupted by another kill.
const INTERRUPTED_STARTS: u64 = 5;

impl CrashPlan {
    /// Draws `kills` kills, and one mode change more than planned kills, within the first `requests` answers.
    pub fn draw(seed: u64, requests: u64, kills: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut drawn = Vec::new();
        let mut left = kills;
        while left > 0 {
            let again_while_starting = left > 1 && rng.u64(..INTERRUPTED_STARTS) == 0;
            drawn.push(again_while_starting);
            left -= 1 + usize::from(again_while_starting);
        }
        let points = draw_kill_points(&mut rng, drawn.len(), requests);
        let kills = points.into_iter().zip(drawn);
        let kills = kills
            .map(|(after_answers, again_while_starting)| ScheduledKill {
                after_answers,
                again_while_starting,
            })
            .collect::<Vec<_>>();
        let modes = draw_modes(&mut rng, kills.len() + 1);
        let points = draw_change_points(&mut rng, modes.len(), requests);
        let mode_changes = points
            .into_iter()
            .zip(modes)
            .map(|(after_answers, mode)| ModeChange { after_answers, mode })
            .collect();
        Self { kills, mode_changes }
    }

    /// Returns the total number of kills.
    pub fn number_of_kills(&self) -> usize {
        self.kills
            .iter()
            .map(|kill| 1 + usize::from(kill.again_while_starting))
            .sum()
    }
}

fn draw_kill_points(rng: &mut Rng, count: usize, requests: u64) -> Vec<u64> {
    let mut points: Vec<u64> = (0..count).map(|_| rng.u64(1..=requests.max(1))).collect();
    points.sort_unstable();
    points
}

/// Draws one point in each equal part of the run, so that each mode lasts for a while.
fn draw_change_points(rng: &mut Rng, count: usize, requests: u64) -> Vec<u64> {
    let part = (requests / count.max(1) as u64).max(1);
    (0..count as u64)
        .map(|index| index * part + rng.u64(1..=part))
        .map(|point| point.min(requests))
        .collect()
}

/// Draws modes so that each occurs before any occurs again.
fn draw_modes(rng: &mut Rng, count: usize) -> Vec<CollectorMode> {
    let mut modes = Vec::new();
    while modes.len() < count {
        let mut shuffled = CollectorMode::ALL;
        rng.shuffle(&mut shuffled);
        modes.extend(shuffled);
    }
    modes.truncate(count);
    modes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_determines_the_plan() {
        assert_eq!(CrashPlan::draw(7, 600, 20), CrashPlan::draw(7, 600, 20));
        assert_ne!(CrashPlan::draw(7, 600, 20), CrashPlan::draw(8, 600, 20));
    }

    #[test]
    fn all_points_are_within_the_expected_number_of_answers() {
        for seed in 0..200 {
            for (requests, kills) in [(600, 20), (45, 3), (3, 5), (1, 1)] {
                let plan = CrashPlan::draw(seed, requests, kills);
                assert_eq!(plan.number_of_kills(), kills, "seed {seed}");
                let check = |points: Vec<u64>| {
                    assert!(points.is_sorted(), "seed {seed}: {points:?}");
                    assert!(
                        points.iter().all(|point| (1..=requests).contains(point)),
                        "seed {seed}: {points:?}"
                    );
                };
                check(plan.kills.iter().map(|kill| kill.after_answers).collect());
                check(
                    plan.mode_changes
                        .iter()
                        .map(|change| change.after_answers)
                        .collect(),
                );
            }
        }
    }

    #[test]
    fn a_long_run_uses_every_mode() {
        let plan = CrashPlan::draw(1, 600, 20);
        for mode in CollectorMode::ALL {
            assert!(
                plan.mode_changes.iter().any(|change| change.mode == mode),
                "{mode:?}"
            );
        }
    }

    #[test]
    fn only_a_stopped_collector_has_no_faults() {
        for mode in CollectorMode::ALL {
            assert_eq!(
                mode.faults(1).is_none(),
                mode == CollectorMode::Stopped,
                "{mode:?}"
            );
        }
    }
}
