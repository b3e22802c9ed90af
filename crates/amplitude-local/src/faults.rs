//! Fault switches: what the next uploads are answered instead of the truth. State in memory, no I/O.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::answer::{Answer, Endpoint, EventIds};

/// One switch, as it is posted to `/local/faults` and shown there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// A status (400, 403, 413, 429, 500, 502, 503, 504) or `invalid-api-key`, `silenced`, `daily-quota`,
    /// `hang`, `slow`.
    pub(crate) answer: Value,
    /// How many requests it has left. Absent: until the switches are changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    /// The share of requests that it strikes, from 0 to 1; the others pass. Absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share: Option<f64>,
    /// Seed of the share's draw, so that a run can be repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// How long `slow` waits before it goes on as usual, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
    /// Take the events first and give the wrong answer after: what a lost answer looks like.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) after_ingest: bool,
}

/// What a struck request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// A wrong answer.
    Answer { kind: Kind, after_ingest: bool },
    /// A wait in ms, then business as usual.
    Slow(u64),
    /// No answer until the switches are changed.
    Hang,
}

/// The wrong answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    InvalidApiKey,
    Silenced,
    DailyQuota,
    Throttled,
    TooLarge,
    Forbidden,
    ServerError(u16),
}

impl Kind {
    pub(crate) fn answer(self, endpoint: Endpoint, events: &[EventIds]) -> Answer {
        match self {
            Self::InvalidApiKey => Answer::invalid_api_key("a fault switch says so"),
            Self::Silenced => Answer::silenced(events),
            Self::DailyQuota => Answer::over_daily_quota(events),
            Self::Throttled => Answer::throttled(endpoint, events),
            Self::TooLarge => Answer::too_large(),
            Self::Forbidden => Answer::forbidden(),
            Self::ServerError(status) => Answer::server_error(status),
        }
    }
}

impl Fault {
    /// What it does, or why it cannot be used.
    fn strike(&self) -> Result<Strike, String> {
        if self.share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err("share must be between 0 and 1".to_owned());
        }
        let kind = match (&self.answer, self.answer.as_str(), self.answer.as_u64()) {
            (_, Some("hang"), _) => return Ok(Strike::Hang),
            (_, Some("slow"), _) => {
                return self
                    .ms
                    .map(Strike::Slow)
                    .ok_or_else(|| "slow needs ms".to_owned());
            }
            (_, Some("invalid-api-key"), _) | (_, _, Some(400)) => Kind::InvalidApiKey,
            (_, Some("silenced"), _) => Kind::Silenced,
            (_, Some("daily-quota"), _) => Kind::DailyQuota,
            (_, _, Some(429)) => Kind::Throttled,
            (_, _, Some(413)) => Kind::TooLarge,
            (_, _, Some(403)) => Kind::Forbidden,
            (_, _, Some(status @ (500 | 502 | 503 | 504))) => {
                Kind::ServerError(u16::try_from(status).unwrap_or(500))
            }
            (other, ..) => return Err(format!("{other} is no answer that can be given")),
        };
        Ok(Strike::Answer {
            kind,
            after_ingest: self.after_ingest,
        })
    }
}

/// The switches of one collector.
pub(crate) struct Faults {
    active: Mutex<Vec<(Fault, Strike, Draw)>>,
    /// Counts the changes, so that hanging requests learn of one.
    changes: watch::Sender<u64>,
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self {
            active: Mutex::new(Vec::new()),
            changes: watch::Sender::new(0),
        }
    }

    /// Replaces all switches and lets hanging requests go.
    pub(crate) fn set(&self, faults: Vec<Fault>) -> Result<(), String> {
        let active = faults
            .into_iter()
            .map(|fault| {
                let strike = fault.strike()?;
                let draw = Draw(fault.seed.unwrap_or(0));
                Ok((fault, strike, draw))
            })
            .collect::<Result<Vec<_>, String>>()?;
        *self.lock() = active;
        self.changes.send_modify(|changes| *changes += 1);
        Ok(())
    }

    /// The switches that are still on.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.lock().iter().map(|(fault, ..)| fault.clone()).collect()
    }

    /// What the request at hand meets: the first switch that strikes.
    pub(crate) fn next(&self) -> Option<Strike> {
        let mut active = self.lock();
        let struck = active.iter_mut().find_map(|(fault, strike, draw)| {
            if fault.share.is_some_and(|share| draw.unit() >= share) {
                return None;
            }
            fault
                .count
                .iter_mut()
                .for_each(|count| *count = count.saturating_sub(1));
            Some(*strike)
        });
        active.retain(|(fault, ..)| fault.count != Some(0));
        struck
    }

    /// Told of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Fault, Strike, Draw)>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// SplitMix64: small, repeatable, good enough for a coin.
struct Draw(u64);

impl Draw {
    /// The next number in [0, 1).
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(list: Value) -> Result<Faults, String> {
        let faults = Faults::none();
        faults.set(serde_json::from_value(list).expect("switches"))?;
        Ok(faults)
    }

    fn answer(kind: Kind) -> Option<Strike> {
        Some(Strike::Answer {
            kind,
            after_ingest: false,
        })
    }

    #[test]
    fn counted_switches_run_out_in_order() {
        let faults =
            faults(json!([{"answer": 429, "count": 2}, {"answer": "hang", "count": 1}])).expect("switches");
        assert_eq!(faults.next(), answer(Kind::Throttled));
        assert_eq!(faults.list()[0].count, Some(1));
        assert_eq!(faults.next(), answer(Kind::Throttled));
        assert_eq!(faults.next(), Some(Strike::Hang));
        assert_eq!(faults.next(), None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_share_strikes_about_that_often_and_repeats_with_its_seed() {
        let run = |seed: u64| -> Vec<bool> {
            let faults = faults(json!([{"answer": 500, "share": 0.3, "seed": seed}])).expect("switches");
            (0..1000).map(|_| faults.next().is_some()).collect()
        };
        let struck = run(1).into_iter().filter(|struck| *struck).count();
        assert!((250..350).contains(&struck), "{struck} of 1000");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn unusable_switches_are_refused() {
        for (list, why) in [
            (json!([{"answer": 200}]), "no answer"),
            (json!([{"answer": "explode"}]), "no answer"),
            (json!([{"answer": "slow"}]), "needs ms"),
            (json!([{"answer": 500, "share": 1.5}]), "share"),
        ] {
            assert!(
                faults(list).err().is_some_and(|error| error.contains(why)),
                "{why}"
            );
        }
    }
}
