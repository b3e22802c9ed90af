//! The state of delivery as operators see it, and the pause after a failed batch. Pure functions of values.

use crate::{DeliveryOutcome, FailureKind, RetryPolicy};

/// The state of the receiver, from its last responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// The receiver accepts events, or nothing was sent yet.
    #[default]
    Healthy,
    /// The receiver does not respond, or responds with server errors. The dispatcher retries.
    Failing,
    /// The receiver or a proxy rejects the requests. An operator may have to act.
    Refused,
    /// Delivery cannot work until an operator acts: the key or the URL is wrong.
    Misconfigured,
}

/// The state of one dispatcher. `/readyz` and the operations page show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The state of the receiver.
    pub condition: Condition,
    /// Consecutive batches in which every event failed.
    pub failures: u32,
    /// Nothing is sent before this time (ms since the epoch).
    pub paused_until_ms: Option<i64>,
    /// When an event was last accepted (ms since the epoch).
    pub last_sent_ms: Option<i64>,
    /// The error of the last failed batch.
    pub last_error: Option<String>,
}

impl Health {
    /// Whether the dispatcher pauses at `now_ms`.
    pub fn is_paused(&self, now_ms: i64) -> bool {
        self.paused_until_ms.is_some_and(|until_ms| now_ms < until_ms)
    }

    /// Returns the state after a batch. A batch in which every event failed pauses the dispatcher, because the next
    /// batch would probably fail too. A failed event in a batch with accepted events affects only its own row.
    pub(crate) fn after_batch(
        &self,
        policy: &RetryPolicy,
        outcomes: &[DeliveryOutcome],
        now_ms: i64,
        jitter: f64,
    ) -> Self {
        let sent = outcomes.contains(&DeliveryOutcome::Sent);
        let any_settled = sent
            || outcomes
                .iter()
                .any(|outcome| matches!(outcome, DeliveryOutcome::Park(_)));
        let failure = outcomes.iter().find_map(|outcome| match outcome {
            DeliveryOutcome::Retry(failure) => {
                receiver_condition(failure.kind).map(|condition| (condition, failure))
            }
            _ => None,
        });
        let last_sent_ms = if sent { Some(now_ms) } else { self.last_sent_ms };
        match failure {
            Some((condition, failure)) if !any_settled => {
                let failures = self.failures.saturating_add(1);
                let wait_ms = match failure.kind {
                    FailureKind::Misconfigured => policy.misconfigured_ms(i64::from(failures), jitter),
                    FailureKind::Overloaded => policy.throttle_ms,
                    _ => policy
                        .backoff_ms(i64::from(failures), jitter)
                        .min(policy.throttle_ms),
                };
                Self {
                    condition,
                    failures,
                    paused_until_ms: Some(now_ms.saturating_add(wait_ms)),
                    last_sent_ms,
                    last_error: Some(failure.detail.clone()),
                }
            }
            _ if any_settled => Self {
                last_sent_ms,
                ..Self::default()
            },
            // Only throttled users: this says nothing about the receiver's state.
            _ => Self {
                paused_until_ms: None,
                ..self.clone()
            },
        }
    }
}

/// The receiver's state after a failure; `None` if the failure concerns a single user.
fn receiver_condition(kind: FailureKind) -> Option<Condition> {
    match kind {
        FailureKind::NotAccepted | FailureKind::Unknown | FailureKind::Overloaded | FailureKind::Panicked => {
            Some(Condition::Failing)
        }
        FailureKind::Refused => Some(Condition::Refused),
        FailureKind::Misconfigured => Some(Condition::Misconfigured),
        FailureKind::Throttled | FailureKind::QuotaExceeded => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeliveryFailure, ParkReason};

    const NOW: i64 = 1_795_000_000_000;

    fn retry(kind: FailureKind) -> DeliveryOutcome {
        DeliveryOutcome::Retry(DeliveryFailure::new(kind, "error"))
    }

    #[test]
    fn only_a_batch_without_success_pauses_the_dispatcher() {
        use FailureKind::*;
        let park = DeliveryOutcome::Park(ParkReason::TooLarge);
        #[rustfmt::skip]
        let table = [
            // outcomes                                    condition                 pause
            (vec![DeliveryOutcome::Sent],                          Condition::Healthy,          None),
            (vec![park.clone()],                           Condition::Healthy,          None),
            (vec![DeliveryOutcome::Sent, retry(Unknown)],          Condition::Healthy,          None),
            (vec![park, retry(NotAccepted)],               Condition::Healthy,          None),
            (vec![retry(Throttled)],                       Condition::Healthy,          None),
            (vec![retry(QuotaExceeded), DeliveryOutcome::Held],    Condition::Healthy,          None),
            (vec![],                                       Condition::Healthy,          None),
            (vec![retry(Unknown)],                         Condition::Failing,       Some(1_000)),
            (vec![retry(NotAccepted), DeliveryOutcome::Held],      Condition::Failing,       Some(1_000)),
            (vec![retry(Overloaded)],                      Condition::Failing,       Some(30_000)),
            (vec![retry(Refused)],                         Condition::Refused,       Some(1_000)),
            (vec![retry(Panicked)],                        Condition::Failing,       Some(1_000)),
            (vec![retry(Misconfigured)],                   Condition::Misconfigured, Some(30_000)),
        ];
        for (outcomes, condition, pause) in table {
            let after = Health::default().after_batch(&RetryPolicy::default(), &outcomes, NOW, 1.0);
            assert_eq!(after.condition, condition, "{outcomes:?}");
            assert_eq!(
                after.paused_until_ms,
                pause.map(|wait| NOW + wait),
                "{outcomes:?}"
            );
            assert_eq!(after.is_paused(NOW), pause.is_some(), "{outcomes:?}");
        }
    }

    #[test]
    fn pauses_grow_to_30_seconds_and_end_with_the_first_accepted_event() {
        let policy = RetryPolicy::default();
        let mut health = Health::default();
        for wait in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            health = health.after_batch(&policy, &[retry(FailureKind::NotAccepted)], NOW, 1.0);
            assert_eq!(health.paused_until_ms, Some(NOW + wait));
        }
        assert_eq!(
            (health.failures, health.last_error.as_deref()),
            (7, Some("error"))
        );
        let healthy = Health {
            last_sent_ms: Some(NOW),
            ..Health::default()
        };
        assert_eq!(
            health.after_batch(&policy, &[DeliveryOutcome::Sent], NOW, 1.0),
            healthy
        );
    }
}
