//! Fault switches: wrong or late responses to the next uploads, for tests. They are kept in memory only.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::response::{AmplitudeResponse, Endpoint, EventIds};

/// One switch, in the JSON format of `/local/faults`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultSwitch {
    /// A status (400, 403, 413, 429, 500, 502, 503, 504) or `invalid-api-key`, `silenced`, `daily-quota`,
    /// `hang`, `slow`.
    pub(crate) answer: Value,
    /// How many more requests it affects. Absent: all until the switches are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    /// The share of requests that it affects, from 0 to 1. Absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share: Option<f64>,
    /// The seed of the random numbers behind `share`, so that a run can be repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// How long `slow` waits before it processes the request, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
    /// Store the events, then send the wrong response. This simulates a lost response.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) after_ingest: bool,
}

/// What a switch does to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultAction {
    /// Sends a wrong response.
    Respond {
        response: FaultResponse,
        after_ingest: bool,
    },
    /// Waits, then processes the request normally.
    Slow { delay_ms: u64 },
    /// Sends no response until the switches are replaced.
    Hang,
}

/// The wrong responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultResponse {
    InvalidApiKey,
    Silenced,
    DailyQuota,
    Throttled,
    TooLarge,
    Forbidden,
    ServerError(u16),
}

impl FaultResponse {
    /// The response in Amplitude's format.
    pub(crate) fn to_response(self, endpoint: Endpoint, events: &[EventIds]) -> AmplitudeResponse {
        match self {
            Self::InvalidApiKey => AmplitudeResponse::invalid_api_key("rejected by a fault switch"),
            Self::Silenced => AmplitudeResponse::silenced(events),
            Self::DailyQuota => AmplitudeResponse::daily_quota_exceeded(events),
            Self::Throttled => AmplitudeResponse::throttled(endpoint, events),
            Self::TooLarge => AmplitudeResponse::too_large(),
            Self::Forbidden => AmplitudeResponse::forbidden(),
            Self::ServerError(status) => AmplitudeResponse::server_error(status),
        }
    }
}

impl FaultSwitch {
    /// What the switch does, or an error message when its values are not valid.
    fn action(&self) -> Result<FaultAction, String> {
        if self.share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err("share must be between 0 and 1".to_owned());
        }
        let response = match (&self.answer, self.answer.as_str(), self.answer.as_u64()) {
            (_, Some("hang"), _) => return Ok(FaultAction::Hang),
            (_, Some("slow"), _) => {
                return self
                    .ms
                    .map(|delay_ms| FaultAction::Slow { delay_ms })
                    .ok_or_else(|| "slow needs ms".to_owned());
            }
            (_, Some("invalid-api-key"), _) | (_, _, Some(400)) => FaultResponse::InvalidApiKey,
            (_, Some("silenced"), _) => FaultResponse::Silenced,
            (_, Some("daily-quota"), _) => FaultResponse::DailyQuota,
            (_, _, Some(429)) => FaultResponse::Throttled,
            (_, _, Some(413)) => FaultResponse::TooLarge,
            (_, _, Some(403)) => FaultResponse::Forbidden,
            (_, _, Some(status @ (500 | 502 | 503 | 504))) => {
                FaultResponse::ServerError(u16::try_from(status).unwrap_or(500))
            }
            (other, ..) => return Err(format!("{other} is not a supported answer")),
        };
        Ok(FaultAction::Respond {
            response,
            after_ingest: self.after_ingest,
        })
    }
}

/// The active switches of one collector.
pub(crate) struct FaultSwitches {
    active: Mutex<Vec<(FaultSwitch, FaultAction, SplitMix64)>>,
    /// Counts the replacements. Each one wakes the requests held by `hang`.
    changes: watch::Sender<u64>,
}

impl FaultSwitches {
    pub(crate) fn new() -> Self {
        Self {
            active: Mutex::new(Vec::new()),
            changes: watch::Sender::new(0),
        }
    }

    /// Replaces all switches and wakes the requests held by `hang`.
    ///
    /// Returns an error message, and changes nothing, when a switch is not valid.
    pub(crate) fn replace(&self, switches: Vec<FaultSwitch>) -> Result<(), String> {
        let active = switches
            .into_iter()
            .map(|switch| {
                let action = switch.action()?;
                let random = SplitMix64(switch.seed.unwrap_or(0));
                Ok((switch, action, random))
            })
            .collect::<Result<Vec<_>, String>>()?;
        *self.lock() = active;
        self.changes.send_modify(|changes| *changes += 1);
        Ok(())
    }

    /// The active switches.
    pub(crate) fn list(&self) -> Vec<FaultSwitch> {
        self.lock().iter().map(|(switch, ..)| switch.clone()).collect()
    }

    /// The action for the next request: that of the first switch that affects it.
    pub(crate) fn next_action(&self) -> Option<FaultAction> {
        let mut active = self.lock();
        let action = active.iter_mut().find_map(|(switch, action, random)| {
            if switch.share.is_some_and(|share| random.unit() >= share) {
                return None;
            }
            switch
                .count
                .iter_mut()
                .for_each(|count| *count = count.saturating_sub(1));
            Some(*action)
        });
        active.retain(|(switch, ..)| switch.count != Some(0));
        action
    }

    /// A receiver that wakes when the switches are replaced.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(FaultSwitch, FaultAction, SplitMix64)>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The SplitMix64 random number generator: small and repeatable.
struct SplitMix64(u64);

impl SplitMix64 {
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

    fn switches(list: Value) -> Result<FaultSwitches, String> {
        let faults = FaultSwitches::new();
        faults.replace(serde_json::from_value(list).expect("switches"))?;
        Ok(faults)
    }

    fn respond(response: FaultResponse) -> Option<FaultAction> {
        Some(FaultAction::Respond {
            response,
            after_ingest: false,
        })
    }

    #[test]
    fn counted_switches_run_out_in_order() {
        let faults =
            switches(json!([{"answer": 429, "count": 2}, {"answer": "hang", "count": 1}])).expect("switches");
        assert_eq!(faults.next_action(), respond(FaultResponse::Throttled));
        assert_eq!(faults.list()[0].count, Some(1));
        assert_eq!(faults.next_action(), respond(FaultResponse::Throttled));
        assert_eq!(faults.next_action(), Some(FaultAction::Hang));
        assert_eq!(faults.next_action(), None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_share_affects_that_part_of_the_requests_and_repeats_with_its_seed() {
        let run = |seed: u64| -> Vec<bool> {
            let faults = switches(json!([{"answer": 500, "share": 0.3, "seed": seed}])).expect("switches");
            (0..1000).map(|_| faults.next_action().is_some()).collect()
        };
        let affected = run(1).into_iter().filter(|affected| *affected).count();
        assert!((250..350).contains(&affected), "{affected} of 1000");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn invalid_switches_are_rejected() {
        for (list, expected) in [
            (json!([{"answer": 200}]), "not a supported answer"),
            (json!([{"answer": "explode"}]), "not a supported answer"),
            (json!([{"answer": "slow"}]), "needs ms"),
            (json!([{"answer": 500, "share": 1.5}]), "share"),
        ] {
            assert!(
                switches(list).err().is_some_and(|error| error.contains(expected)),
                "{expected}"
            );
        }
    }
}
