//! The outbox: its counts, the last hour, and parked events.

use backend::dates;
use backend::operations::{Health, LastHour, OutboxCounts, OutboxEntry};
use leptos::prelude::*;

use super::labels::{self, duration};
use super::model::ReplayTarget;
use super::parts::{Figure, Payload, ReplayForm, Time, UserLink};

/// Counts of the outbox, health of the dispatcher, and the last hour.
#[component]
pub(super) fn OutboxCard(
    counts: OutboxCounts,
    /// Health of this process's dispatcher; `None` where none runs.
    health: Option<Health>,
    hour: LastHour,
    now_ms: i64,
) -> impl IntoView {
    let oldest = counts
        .lag_ms(now_ms)
        .map(|age| format!("oldest: {}", duration(age)));
    view! {
        <section class="card operations-card" aria-labelledby="outbox">
            <header>
                <h2 id="outbox">"Server events to Amplitude"</h2>
                {health.as_ref().map(|health| view! { <HealthBadge healthy=labels::is_healthy(health) /> })}
            </header>
            <dl class="operations-figures">
                <Figure label="Pending" value=labels::queue_count(counts.pending) note=oldest />
                <Figure
                    label="Being sent"
                    value=labels::queue_count(counts.leased)
                    note=Some("included in Pending".to_owned())
                />
                <Figure label="Arrived" value=labels::queue_count(counts.sent) />
                <Figure label="Parked" value=labels::queue_count(counts.parked) alarming={counts.parked > 0} />
            </dl>
            {health.map(|health| view! { <HealthText health now_ms /> })}
            <Minutes hour />
        </section>
    }
}

#[component]
fn HealthBadge(healthy: bool) -> impl IntoView {
    match healthy {
        true => view! { <span class="badge server">"Healthy"</span> },
        false => view! { <span class="badge bad">"Degraded"</span> },
    }
}

#[component]
fn HealthText(health: Health, now_ms: i64) -> impl IntoView {
    let sentence = labels::health(&health, now_ms);
    let last = health.last_sent_ms.map(|ms| {
        view! { " The last event of this server arrived " <Time ms now_ms /> "." }
    });
    let error = health.last_error.map(|error| {
        view! { <p class="quiet">"Error of the last failed batch: " <span class="id">{error}</span></p> }
    });
    view! {
        <p class="quiet">{sentence} {last}</p>
        {error}
    }
}

/// A bar for each minute. Bars are used instead of a line because a minute without events is a gap, not a slope.
#[component]
fn Minutes(hour: LastHour) -> impl IntoView {
    let by_minute = hour.by_minute;
    let most = by_minute.iter().copied().max().unwrap_or(0);
    let sum: i64 = by_minute.iter().sum();
    let summary = match (sum, most) {
        (0, _) => "No event arrived in the last hour.".to_owned(),
        (1, _) => "1 event arrived in the last hour.".to_owned(),
        (sum, most) => format!("{sum} events arrived in the last hour, {most} in the busiest minute."),
    };
    let width = by_minute.len() * BAR;
    let bars = by_minute.into_iter().enumerate().map(|(place, events)| {
        let height = height(events, most);
        view! { <rect x=place * BAR y=HEIGHT - height width={BAR - 1} height=height /> }
    });
    view! {
        <figure class="operations-hour server">
            <svg
                viewBox=format!("0 0 {width} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-label="Events that arrived, by minute of the last hour"
                data-from=dates::instant(hour.from_ms)
            >
                {bars.collect_view()}
            </svg>
            <figcaption>
                <span>"an hour ago"</span>
                <span class="operations-hour-sum">{summary}</span>
                <span>"now"</span>
            </figcaption>
        </figure>
    }
}

/// Width of a minute, with the gap after it, in units of the `viewBox`.
const BAR: usize = 6;

/// Height of the busiest minute, in units of the `viewBox`.
const HEIGHT: usize = 48;

/// Height of a bar. A minute with any events has a visible bar.
fn height(events: i64, most: i64) -> usize {
    let (events, most) = (
        usize::try_from(events).unwrap_or(0),
        usize::try_from(most).unwrap_or(0),
    );
    match events.min(most) {
        0 => 0,
        events => (events * HEIGHT / most).max(2),
    }
}

/// Parked events.
#[component]
pub(super) fn ParkedCard(
    /// The latest ones.
    events: Vec<OutboxEntry>,
    /// How many there are in total.
    total: i64,
    now_ms: i64,
) -> impl IntoView {
    let listed = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let more = (total > listed).then(|| format!("The latest {listed} of {}.", labels::queue_count(total)));
    let rows = events
        .into_iter()
        .map(|event| view! { <ParkedRow event now_ms /> });
    view! {
        <section class="card operations-card" aria-labelledby="parked">
            <header>
                <h2 id="parked">"Parked events"</h2>
                {more.map(|more| view! { <p class="quiet">{more}</p> })}
            </header>
            {match listed {
                0 => view! { <p class="quiet">"None. Every event has arrived or is queued."</p> }.into_any(),
                _ => view! { <ul class="operations-rows">{rows.collect_view()}</ul> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn ParkedRow(event: OutboxEntry, now_ms: i64) -> impl IntoView {
    let attempts = labels::count(event.attempts, "attempt");
    let id = event.insert_id.clone();
    let replay = match labels::is_withheld(&event) {
        true => view! { <span class="badge note">"never sent"</span> }.into_any(),
        false => view! { <ReplayForm action=ReplayTarget::Event id=id.clone() /> }.into_any(),
    };
    view! {
        <li data-parked=id>
            <div class="operations-row">
                <div>
                    <h3>{event.event_type}</h3>
                    <p class="quiet" dir="auto">{event.parked_reason.unwrap_or_default()}</p>
                </div>
                {replay}
            </div>
            <p class="operations-facts">
                <span class="id">{event.insert_id}</span>
                <span>"user " <UserLink user=event.user_id /></span>
                <span>{attempts}</span>
                {event.parked_ms.map(|ms| view! { <span>"parked " <Time ms now_ms /></span> })}
            </p>
            <Payload text=event.payload />
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_minute_has_full_height_and_every_event_is_visible() {
        for (events, most, expected) in [
            (0, 0, 0),
            (0, 9, 0),
            (9, 9, 48),
            (1, 1_000, 2),
            (3, 6, 24),
            (-1, 5, 0),
        ] {
            assert_eq!(height(events, most), expected, "{events} of {most}");
        }
    }
}
