//! How delivery is going, as the operator sees it, and how long to leave a failing receiver alone. Pure.

use crate::{FailureKind, Outcome, Policy};

/// What the last answers say of the receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// It takes events, or nothing was sent yet.
    #[default]
    Well,
    /// It does not answer, or answers with errors of its own; this mends itself.
    Failing,
    /// It, or something in front of it, refuses us; this may need an operator.
    Refused,
    /// It cannot work until an operator acts: an invalid key, a wrong address.
    Misconfigured,
}

/// State of one dispatcher: what `/readyz` and the operations page show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What the last answers say.
    pub condition: Condition,
    /// Batches in a row that failed whole.
    pub failures: u32,
    /// Nothing is sent before this moment (ms since the epoch).
    pub paused_until_ms: Option<i64>,
    /// When an event last arrived (ms since the epoch).
    pub last_sent_ms: Option<i64>,
    /// What the last failed batch said.
    pub last_error: Option<String>,
}

impl Health {
    /// Whether the dispatcher leaves the receiver alone for now.
    pub fn is_paused(&self, now_ms: i64) -> bool {
        self.paused_until_ms.is_some_and(|until_ms| now_ms < until_ms)
    }

    /// The state after a batch. A batch in which nothing got through pauses everything, since the next batch would fare
    /// no better; one failing row among others that arrived is that row's affair.
    pub(crate) fn after(&self, policy: &Policy, outcomes: &[Outcome], now_ms: i64, jitter: f64) -> Self {
        let sent = outcomes.contains(&Outcome::Sent);
        let answered = sent || outcomes.iter().any(|outcome| matches!(outcome, Outcome::Park(_)));
        let failure = outcomes.iter().find_map(|outcome| match outcome {
            Outcome::Retry(failure) => trouble(failure.kind).map(|condition| (condition, failure)),
            _ => None,
        });
        let last_sent_ms = if sent { Some(now_ms) } else { self.last_sent_ms };
        match failure {
            Some((condition, failure)) if !answered => {
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
            _ if answered => Self {
                last_sent_ms,
                ..Self::default()
            },
            // Nothing but throttled people: that says nothing new of the receiver.
            _ => Self {
                paused_until_ms: None,
                ..self.clone()
            },
        }
    }
}

/// What a failure says of the receiver; nothing where it concerns one person alone.
fn trouble(kind: FailureKind) -> Option<Condition> {
    match kind {
        FailureKind::NotAccepted | FailureKind::Unknown | FailureKind::Overloaded => Some(Condition::Failing),
        FailureKind::Refused => Some(Condition::Refused),
        FailureKind::Misconfigured => Some(Condition::Misconfigured),
        FailureKind::Throttled | FailureKind::QuotaExceeded => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, ParkReason};

    const NOW: i64 = 1_795_000_000_000;

    fn retry(kind: FailureKind) -> Outcome {
        Outcome::Retry(Failure::new(kind, "why"))
    }

    #[test]
    fn a_batch_that_failed_whole_pauses_the_dispatcher_and_nothing_else_does() {
        use FailureKind::*;
        let park = Outcome::Park(ParkReason::TooLarge);
        #[rustfmt::skip]
        let table = [
            // outcomes                                    condition                 pause
            (vec![Outcome::Sent],                          Condition::Well,          None),
            (vec![park.clone()],                           Condition::Well,          None),
            (vec![Outcome::Sent, retry(Unknown)],          Condition::Well,          None),
            (vec![park, retry(NotAccepted)],               Condition::Well,          None),
            (vec![retry(Throttled)],                       Condition::Well,          None),
            (vec![retry(QuotaExceeded), Outcome::Held],    Condition::Well,          None),
            (vec![],                                       Condition::Well,          None),
            (vec![retry(Unknown)],                         Condition::Failing,       Some(1_000)),
            (vec![retry(NotAccepted), Outcome::Held],      Condition::Failing,       Some(1_000)),
            (vec![retry(Overloaded)],                      Condition::Failing,       Some(30_000)),
            (vec![retry(Refused)],                         Condition::Refused,       Some(1_000)),
            (vec![retry(Misconfigured)],                   Condition::Misconfigured, Some(30_000)),
        ];
        for (outcomes, condition, pause) in table {
            let after = Health::default().after(&Policy::default(), &outcomes, NOW, 1.0);
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
    fn pauses_grow_to_half_a_minute_and_end_with_the_first_event_that_arrives() {
        let policy = Policy::default();
        let mut health = Health::default();
        for wait in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            health = health.after(&policy, &[retry(FailureKind::NotAccepted)], NOW, 1.0);
            assert_eq!(health.paused_until_ms, Some(NOW + wait));
        }
        assert_eq!((health.failures, health.last_error.as_deref()), (7, Some("why")));
        let well = Health {
            last_sent_ms: Some(NOW),
            ..Health::default()
        };
        assert_eq!(health.after(&policy, &[Outcome::Sent], NOW, 1.0), well);
    }
}
