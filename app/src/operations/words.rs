//! Operations in words.

use backend::billing::{self, inbox};
use backend::dates;
use backend::operations::{self, Condition, Deliveries, Entry, ParkReason};
use serde_json::Value;

use super::facts::{
    Delivery, Health, Inbox, InboxCounts, Moment, ParkedEvent, TurnedAway, Webhook, WebhookState,
};

/// Most of a payload that is shown, in bytes. Stripe's largest events have hundreds of kilobytes.
const MOST_SHOWN: usize = 16 * 1024;

/// `12 s`, `3 min`, `5 h`, `2 days`.
pub fn duration(ms: i64) -> String {
    match ms.max(0) / 1_000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A moment, seen from `now_ms`.
pub fn moment(ms: i64, now_ms: i64) -> Moment {
    Moment {
        at: dates::instant(ms),
        ago: format!("{} ago", duration(now_ms - ms)),
    }
}

/// JSON with line breaks; what is none as it is.
pub fn pretty(text: &str) -> String {
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

/// The outbox.
pub fn delivery(deliveries: &Deliveries, now_ms: i64) -> Delivery {
    let counts = deliveries.counts;
    Delivery {
        waiting: counts.pending,
        leased: counts.leased,
        sent: counts.sent,
        parked: counts.parked,
        oldest: counts.lag_ms(now_ms).map(duration),
        health: deliveries.health.as_ref().map(|state| health(state, now_ms)),
        by_minute: deliveries.hour.by_minute.clone(),
        hour_from: dates::instant(deliveries.hour.from_ms),
    }
}

fn health(health: &operations::Health, now_ms: i64) -> Health {
    let says = match health.condition {
        Condition::Well if health.last_sent_ms.is_some() => "Amplitude takes events",
        Condition::Well => "Nothing was sent since this server started",
        Condition::Failing => "Amplitude does not answer, or answers with errors of its own",
        Condition::Refused => "Amplitude, or something in front of it, refuses this server",
        Condition::Misconfigured => "Nothing can be sent until the API key or the address is mended",
    };
    let waits = health
        .paused_until_ms
        .filter(|until| *until > now_ms)
        .map(|until| format!("; the next attempt is in {}", duration(until - now_ms)));
    Health {
        well: health.condition == Condition::Well,
        sentence: format!("{says}{}.", waits.unwrap_or_default()),
        last_sent: health.last_sent_ms.map(|sent| moment(sent, now_ms)),
        last_error: health.last_error.clone(),
    }
}

/// An event that was set aside.
pub fn parked(entry: Entry, now_ms: i64) -> ParkedEvent {
    let reason = entry.parked_reason.unwrap_or_default();
    ParkedEvent {
        withheld: reason == ParkReason::ConsentWithdrawn.to_string(),
        insert_id: entry.insert_id,
        name: entry.event_type,
        user: entry.user_id,
        attempts: entry.attempts,
        parked: entry.parked_ms.map(|parked| moment(parked, now_ms)),
        payload: entry.payload.as_deref().map(pretty),
        reason,
    }
}

/// The inbox.
pub fn inbox(counts: inbox::Counts, now_ms: i64) -> Inbox {
    Inbox {
        counts: InboxCounts {
            pending: counts.pending,
            applied: counts.applied,
            parked: counts.parked,
        },
        oldest: counts.oldest_pending_ms.map(|came| duration(now_ms - came)),
    }
}

/// A webhook.
pub fn webhook(row: inbox::InboxRow, now_ms: i64) -> Webhook {
    let state = match row.state {
        inbox::InboxState::Pending => WebhookState::Pending,
        inbox::InboxState::Applied => WebhookState::Applied,
        inbox::InboxState::Parked => WebhookState::Parked,
    };
    let waits = state == WebhookState::Pending;
    Webhook {
        id: row.event_id,
        kind: row.event_type,
        lane: row.lane,
        state,
        attempts: row.attempts,
        received: moment(row.received_ms, now_ms),
        next: waits.then(|| match row.next_attempt_ms - now_ms {
            ms @ 1.. => format!("in {}", duration(ms)),
            _ => "now".to_owned(),
        }),
        events: row.events,
        trouble: row.parked_reason.or(row.last_error),
        payload: row.payload.as_deref().map(pretty),
    }
}

/// A second subscription.
pub fn turned_away(row: billing::TurnedAway, now_ms: i64) -> TurnedAway {
    TurnedAway {
        subscription: row.id,
        customer: row.customer,
        user: row.account.map(|account| account.to_string()),
        status: row.status,
        seen: moment(row.fetched_ms, now_ms),
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
    fn payloads_are_indented_and_end_somewhere() {
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
    fn health_says_what_holds_and_when_it_goes_on() {
        let failing = operations::Health {
            condition: Condition::Failing,
            paused_until_ms: Some(31_000),
            last_error: Some("503".into()),
            ..operations::Health::default()
        };
        let said = health(&failing, 1_000);
        assert!(
            !said.well && said.sentence.ends_with("the next attempt is in 30 s."),
            "{}",
            said.sentence
        );
        assert!(health(&failing, 40_000).sentence.ends_with("errors of its own."));
        assert!(health(&operations::Health::default(), 0).well);
    }

    #[test]
    fn what_was_withdrawn_is_withheld() {
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
        assert!(parked(entry("consent withdrawn"), 0).withheld);
        assert!(!parked(entry("too large"), 0).withheld);
    }
}
