//! Texts of the delivery page.

use backend::billing::inbox::{InboxRow, InboxState};
use backend::operations::{COUNT_LIMIT, Condition, Health, OutboxEntry, ParkReason};
use backend::timeline::ReadError;
use serde_json::Value;

/// Most bytes of a payload that are shown. Stripe's largest events have hundreds of kilobytes.
const MOST_SHOWN: usize = 16 * 1024;

/// `12 s`, `3 min`, `5 h`, `2 days`. A negative duration is `0 s`.
pub(super) fn duration(ms: i64) -> String {
    match ms.max(0) / 1_000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// `1 payment`, `2 payments`, `2 crashes`.
pub(super) fn count(number: impl ToString, noun: &str) -> String {
    let number = number.to_string();
    let plural = match (number.as_str(), noun) {
        ("1", _) => "",
        (_, "crash") => "es",
        _ => "s",
    };
    format!("{number} {noun}{plural}")
}

/// A count of a queue. Queues count up to [`COUNT_LIMIT`] rows.
pub(super) fn queue_count(rows: i64) -> String {
    if rows > COUNT_LIMIT {
        return "more than 10,000".to_owned();
    }
    rows.to_string()
}

/// JSON, indented and cut off at [`MOST_SHOWN`] bytes. Text that is no JSON is not indented.
pub(super) fn pretty(text: &str) -> String {
    let indented = serde_json::from_str::<Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned());
    match indented.len() {
        0..=MOST_SHOWN => indented,
        whole => {
            let cut = indented.floor_char_boundary(MOST_SHOWN);
            format!("{}\n… ({} bytes more)", &indented[..cut], whole - cut)
        }
    }
}

/// Whether Amplitude accepts events.
pub(super) fn is_healthy(health: &Health) -> bool {
    health.condition == Condition::Healthy
}

/// The health of the dispatcher in one sentence.
pub(super) fn health(health: &Health, now_ms: i64) -> String {
    let condition = match health.condition {
        Condition::Healthy if health.last_sent_ms.is_some() => "Amplitude accepts events",
        Condition::Healthy => "Nothing was sent since this server was started",
        Condition::Failing => "Amplitude does not answer, or answers with server errors",
        Condition::Refused => "Amplitude, or a proxy in front of it, refuses requests of this server",
        Condition::Misconfigured => "Nothing can be sent until the API key or the URL is corrected",
    };
    let pause = health
        .paused_until_ms
        .filter(|until| *until > now_ms)
        .map(|until| format!("; the next attempt is in {}", duration(until - now_ms)));
    format!("{condition}{}.", pause.unwrap_or_default())
}

/// Whether the event was parked because its user has withdrawn consent. Such an event is never sent.
pub(super) fn is_withheld(entry: &OutboxEntry) -> bool {
    entry.parked_reason == Some(ParkReason::ConsentWithdrawn.to_string())
}

/// What a step of an account deletion does.
pub(super) fn deletion_step(step: &str) -> &'static str {
    match step {
        "billing" => "Delete the customer at Stripe",
        "erase" => "Delete the data in this database",
        _ => "Delete the data at Amplitude",
    }
}

/// The label of a state of webhooks.
pub(super) const fn state(state: InboxState) -> &'static str {
    match state {
        InboxState::Pending => "Pending",
        InboxState::Applied => "Applied",
        InboxState::Parked => "Parked",
    }
}

/// When a pending webhook is tried next.
pub(super) fn next_attempt(webhook: &InboxRow, now_ms: i64) -> String {
    match webhook.next_attempt_ms - now_ms {
        ms @ 1.. => format!("next attempt in {}", duration(ms)),
        _ => "next attempt now".to_owned(),
    }
}

/// Why Amplitude's events cannot be read, as a sentence: `otherwise`, unless an operator can act on it. The error is
/// logged.
pub(super) fn unreadable(error: &ReadError, otherwise: &str) -> String {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "cannot read events from Amplitude"
    );
    match error {
        ReadError::NoSecretKey | ReadError::RateLimited => format!("{error}."),
        _ => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use backend::operations::OutboxState;

    use super::*;

    #[test]
    fn a_queue_count_has_a_limit() {
        for (rows, text) in [(0, "0"), (10_000, "10000"), (10_001, "more than 10,000")] {
            assert_eq!(queue_count(rows), text);
        }
    }

    #[test]
    fn durations() {
        for (ms, text) in [
            (-5, "0 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (3_600_000, "1 h"),
            (172_799_999, "47 h"),
            (172_800_000, "2 days"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn payloads_are_indented_and_cut_off() {
        assert_eq!(pretty(r#"{"a":1}"#), "{\n  \"a\": 1\n}");
        assert_eq!(pretty("no JSON"), "no JSON");
        let long = pretty(&"é".repeat(MOST_SHOWN));
        assert!(
            long.ends_with(&format!("({MOST_SHOWN} bytes more)")),
            "{}",
            long.len()
        );
    }

    #[test]
    fn health_names_the_condition_and_the_next_attempt() {
        let failing = Health {
            condition: Condition::Failing,
            paused_until_ms: Some(31_000),
            last_error: Some("503".into()),
            ..Health::default()
        };
        let paused = health(&failing, 1_000);
        assert!(paused.ends_with("the next attempt is in 30 s."), "{paused}");
        assert!(health(&failing, 40_000).ends_with("server errors."));
        assert!(!is_healthy(&failing));
        assert!(is_healthy(&Health::default()));
    }

    #[test]
    fn an_event_is_withheld_after_consent_was_withdrawn() {
        let entry = |reason: &str| OutboxEntry {
            insert_id: "sign-up:1".into(),
            user_id: "u".into(),
            device_id: None,
            event_type: "Sign-up completed".into(),
            time_ms: 0,
            payload: None,
            state: OutboxState::Parked,
            attempts: 1,
            next_attempt_ms: 0,
            enqueued_ms: 0,
            sent_ms: None,
            parked_ms: Some(0),
            parked_reason: Some(reason.into()),
            last_error: None,
        };
        assert!(is_withheld(&entry("consent withdrawn")));
        assert!(!is_withheld(&entry("too large")));
    }
}
