//! When the app is killed and what the collector does meanwhile: drawn from a seed, in numbers of answered requests, so
//! that a run goes the same way on a slow machine and on a fast one. Pure.

use fastrand::Rng;
use serde_json::{Value, json};

/// All that will go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they happen.
    pub kills: Vec<Kill>,
    /// In the order in which they happen.
    pub changes: Vec<Change>,
}

/// One `kill -9` of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// Once this many requests were answered.
    pub after: u64,
    /// And once more before it is ready again, which is another kill.
    pub again_while_starting: bool,
}

/// A change of the collector's weather.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Once this many requests were answered.
    pub after: u64,
    /// What it changes to.
    pub weather: Weather,
}

/// How the collector treats uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// As Amplitude on a good day.
    Clear,
    /// Every other upload is answered 429.
    Throttling,
    /// Every other upload is answered 500.
    Failing,
    /// Every other upload is taken, and answered 500.
    LosingAnswers,
    /// One upload gets no answer until the weather changes.
    Hanging,
    /// Every answer takes a while, so that kills meet uploads under way.
    Slow,
    /// The collector is not there: connections are refused.
    Gone,
}

impl Weather {
    const ALL: [Self; 7] = [
        Self::Slow,
        Self::LosingAnswers,
        Self::Gone,
        Self::Throttling,
        Self::Failing,
        Self::Hanging,
        Self::Clear,
    ];

    /// The switches of clear weather.
    pub fn none() -> Value {
        json!([])
    }

    /// The very next upload is taken, and answered 500.
    pub fn first_answer_lost() -> Value {
        json!([{"answer": 500, "count": 1, "after_ingest": true}])
    }

    /// The fault switches that make it; `None`: the collector is not there to have any.
    pub fn switches(self, seed: u64) -> Option<Value> {
        let half = |answer: Value, after_ingest: bool| json!([{"answer": answer, "share": 0.5, "seed": seed, "after_ingest": after_ingest}]);
        Some(match self {
            Self::Clear => Self::none(),
            Self::Throttling => half(json!(429), false),
            Self::Failing => half(json!(500), false),
            Self::LosingAnswers => half(json!(500), true),
            Self::Hanging => json!([{"answer": "hang", "count": 1}]),
            Self::Slow => json!([{"answer": "slow", "ms": 300}]),
            Self::Gone => return None,
        })
    }
}

/// One start in this many is cut short.
const CUT_SHORT: u64 = 5;

impl Plan {
    /// Draws `kills` kills, and one more change of weather than that, among the first `requests` answers.
    pub fn draw(seed: u64, requests: u64, kills: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut drawn = Vec::new();
        let mut left = kills;
        while left > 0 {
            let again_while_starting = left > 1 && rng.u64(..CUT_SHORT) == 0;
            drawn.push(again_while_starting);
            left -= 1 + usize::from(again_while_starting);
        }
        let moments = moments(&mut rng, drawn.len(), requests);
        let kills = moments.into_iter().zip(drawn);
        let kills = kills
            .map(|(after, again_while_starting)| Kill {
                after,
                again_while_starting,
            })
            .collect::<Vec<_>>();
        let weathers = weathers(&mut rng, kills.len() + 1);
        let moments = moments_of_changes(&mut rng, weathers.len(), requests);
        let changes = moments
            .into_iter()
            .zip(weathers)
            .map(|(after, weather)| Change { after, weather })
            .collect();
        Self { kills, changes }
    }

    /// How often the app is killed in all.
    pub fn number_of_kills(&self) -> usize {
        self.kills
            .iter()
            .map(|kill| 1 + usize::from(kill.again_while_starting))
            .sum()
    }
}

fn moments(rng: &mut Rng, count: usize, requests: u64) -> Vec<u64> {
    let mut moments: Vec<u64> = (0..count).map(|_| rng.u64(1..=requests.max(1))).collect();
    moments.sort_unstable();
    moments
}

/// One in each equal part of the run, so that each weather lasts.
fn moments_of_changes(rng: &mut Rng, count: usize, requests: u64) -> Vec<u64> {
    let part = (requests / count.max(1) as u64).max(1);
    (0..count as u64)
        .map(|index| index * part + rng.u64(1..=part))
        .map(|moment| moment.min(requests))
        .collect()
}

/// Every kind before any comes again.
fn weathers(rng: &mut Rng, count: usize) -> Vec<Weather> {
    let mut weathers = Vec::new();
    while weathers.len() < count {
        let mut round = Weather::ALL;
        rng.shuffle(&mut round);
        weathers.extend(round);
    }
    weathers.truncate(count);
    weathers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_run() {
        assert_eq!(Plan::draw(7, 600, 20), Plan::draw(7, 600, 20));
        assert_ne!(Plan::draw(7, 600, 20), Plan::draw(8, 600, 20));
    }

    #[test]
    fn everything_happens_among_the_answers_that_are_sure_to_come() {
        for seed in 0..200 {
            for (requests, kills) in [(600, 20), (45, 3), (3, 5), (1, 1)] {
                let plan = Plan::draw(seed, requests, kills);
                assert_eq!(plan.number_of_kills(), kills, "seed {seed}");
                let after = |moments: Vec<u64>| {
                    assert!(moments.is_sorted(), "seed {seed}: {moments:?}");
                    assert!(
                        moments.iter().all(|moment| (1..=requests).contains(moment)),
                        "seed {seed}: {moments:?}"
                    );
                };
                after(plan.kills.iter().map(|kill| kill.after).collect());
                after(plan.changes.iter().map(|change| change.after).collect());
            }
        }
    }

    #[test]
    fn a_long_run_sees_every_weather() {
        let plan = Plan::draw(1, 600, 20);
        for weather in Weather::ALL {
            assert!(
                plan.changes.iter().any(|change| change.weather == weather),
                "{weather:?}"
            );
        }
    }

    #[test]
    fn only_an_absent_collector_has_no_switches() {
        for weather in Weather::ALL {
            assert_eq!(
                weather.switches(1).is_none(),
                weather == Weather::Gone,
                "{weather:?}"
            );
        }
    }
}
