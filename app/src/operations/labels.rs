//! Rows of the database as the texts that the pages show.

use backend::billing::{self, inbox};
use backend::dates;
use backend::operations::{self, Condition, Deliveries, Entry, ParkReason};
use serde_json::Value;

use super::model::{
    DispatcherHealth, DuplicateSubscription, InboxSummary, OutboxSummary, ParkedEvent, RelativeTime,
    WebhookState, WebhookSummary,
};

/// Most bytes of a payload that are shown. Stripe's largest events have hundreds of kilobytes.
const MOST_SHOWN: usize = 16 * 1024;

/// `12 s`, `3 min`, `5 h`, `2 days`. A negative duration is `0 s`.
fn duration(ms: i64) -> String {
    match ms.max(0) / 1_000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A time, relative to `now_ms`. Both are in ms since the epoch.
fn relative_time(ms: i64, now_ms: i64) -> RelativeTime {
    RelativeTime {
        at: dates::instant(ms),
        ago: format!("{} ago", duration(now_ms - ms)),
    }
}

/// JSON, indented and cut off at [`MOST_SHOWN`] bytes. Text that is no JSON is not indented.
fn pretty(text: &str) -> String {
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

/// Counts of the outbox and health of the dispatcher.
pub(super) fn outbox(deliveries: &Deliveries, now_ms: i64) -> OutboxSummary {
    let counts = deliveries.counts;
    OutboxSummary {
        pending: counts.pending,
        leased: counts.leased,
        sent: counts.sent,
        parked: counts.parked,
        oldest: counts.lag_ms(now_ms).map(duration),
        health: deliveries.health.as_ref().map(|state| health(state, now_ms)),
        by_minute: deliveries.hour.by_minute.clone(),
        hour_from: dates::instant(deliveries.hour.from_ms),
    }
}

fn health(health: &operations::Health, now_ms: i64) -> DispatcherHealth {
    let condition = match health.condition {
        Condition::Well if health.last_sent_ms.is_some() => "Amplitude accepts events",
        Condition::Well => "Nothing was sent since this server was started",
        Condition::Failing => "Amplitude does not answer, or answers with server errors",
        Condition::Refused => "Amplitude, or a proxy in front of it, refuses requests of this server",
        Condition::Misconfigured => "Nothing can be sent until the API key or the URL is corrected",
    };
    let pause = health
        .paused_until_ms
        .filter(|until| *until > now_ms)
        .map(|until| format!("; the next attempt is in {}", duration(until - now_ms)));
    DispatcherHealth {
        healthy: health.condition == Condition::Well,
        sentence: format!("{condition}{}.", pause.unwrap_or_default()),
        last_sent: health.last_sent_ms.map(|sent| relative_time(sent, now_ms)),
        last_error: health.last_error.clone(),
    }
}

/// A parked event.
pub(super) fn parked_event(entry: Entry, now_ms: i64) -> ParkedEvent {
    let reason = entry.parked_reason.unwrap_or_default();
    ParkedEvent {
        withheld: reason == ParkReason::ConsentWithdrawn.to_string(),
        insert_id: entry.insert_id,
        name: entry.event_type,
        user: entry.user_id,
        attempts: entry.attempts,
        parked: entry.parked_ms.map(|parked| relative_time(parked, now_ms)),
        payload: entry.payload.as_deref().map(pretty),
        reason,
    }
}

/// Counts of the inbox.
pub(super) fn inbox(counts: inbox::Counts, now_ms: i64) -> InboxSummary {
    InboxSummary {
        pending: counts.pending,
        applied: counts.applied,
        parked: counts.parked,
        oldest: counts
            .oldest_pending_ms
            .map(|received_ms| duration(now_ms - received_ms)),
    }
}

/// A webhook.
pub(super) fn webhook(row: inbox::InboxRow, now_ms: i64) -> WebhookSummary {
    let state = match row.state {
        inbox::InboxState::Pending => WebhookState::Pending,
        inbox::InboxState::Applied => WebhookState::Applied,
        inbox::InboxState::Parked => WebhookState::Parked,
    };
    let pending = state == WebhookState::Pending;
    WebhookSummary {
        id: row.event_id,
        kind: row.event_type,
        lane: row.lane,
        state,
        attempts: row.attempts,
        received: relative_time(row.received_ms, now_ms),
        next: pending.then(|| match row.next_attempt_ms - now_ms {
            ms @ 1.. => format!("in {}", duration(ms)),
            _ => "now".to_owned(),
        }),
        events: row.events,
        error: row.parked_reason.or(row.last_error),
        payload: row.payload.as_deref().map(pretty),
    }
}

/// A duplicate subscription.
pub(super) fn duplicate_subscription(row: billing::TurnedAway, now_ms: i64) -> DuplicateSubscription {
    DuplicateSubscription {
        subscription: row.id,
        customer: row.customer,
        user: row.account.map(|account| account.to_string()),
        status: row.status,
        seen: relative_time(row.fetched_ms, now_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let failing = operations::Health {
            condition: Condition::Failing,
            paused_until_ms: Some(31_000),
            last_error: Some("503".into()),
            ..operations::Health::default()
        };
        let paused = health(&failing, 1_000);
        assert!(
            !paused.healthy && paused.sentence.ends_with("the next attempt is in 30 s."),
            "{}",
            paused.sentence
        );
        assert!(health(&failing, 40_000).sentence.ends_with("server errors."));
        assert!(health(&operations::Health::default(), 0).healthy);
    }

    #[test]
    fn an_event_is_withheld_after_consent_was_withdrawn() {
        let entry = |reason: &str| Entry {
            insert_id: "sign-up:1".into(),
            user_id: "u".into(),
            device_id: None,
            event_type: "Sign-up completed".into(),
            time_ms: 0,
            payload: None,
            state: operations::State::Parked,
            attempts: 1,
            next_attempt_ms: 0,
            enqueued_ms: 0,
            sent_ms: None,
            parked_ms: Some(0),
            parked_reason: Some(reason.into()),
            last_error: None,
        };
        assert!(parked_event(entry("consent withdrawn"), 0).withheld);
        assert!(!parked_event(entry("too large"), 0).withheld);
    }
}
