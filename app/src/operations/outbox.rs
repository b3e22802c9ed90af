//! The outbox: what waits, what arrived in the last hour, what was set aside.

use leptos::prelude::*;

use super::facts::{Action, Delivery, Health, ParkedEvent};
use super::parts::{Ask, Figure, Payload, PersonLink, Time};

/// How delivery is going.
#[component]
pub(super) fn DeliveryCard(delivery: Delivery) -> impl IntoView {
    let oldest = delivery.oldest.map(|age| format!("the oldest for {age}"));
    view! {
        <section class="card operations-card" aria-labelledby="outbox">
            <header>
                <h2 id="outbox">"Server events to Amplitude"</h2>
                {delivery.health.as_ref().map(|health| view! { <Condition well=health.well /> })}
            </header>
            <dl class="gauges">
                <Figure label="Waiting" value=delivery.waiting.to_string() note=oldest />
                <Figure label="Being sent" value=delivery.leased.to_string() />
                <Figure label="Arrived" value=delivery.sent.to_string() />
                <Figure label="Set aside" value=delivery.parked.to_string() alarming={delivery.parked > 0} />
            </dl>
            {delivery.health.map(|health| view! { <HealthLine health /> })}
            <LastHour by_minute=delivery.by_minute from=delivery.hour_from />
        </section>
    }
}

#[component]
fn Condition(well: bool) -> impl IntoView {
    match well {
        true => view! { <span class="badge server">"well"</span> },
        false => view! { <span class="badge bad">"in trouble"</span> },
    }
}

#[component]
fn HealthLine(health: Health) -> impl IntoView {
    let last = health.last_sent.map(|moment| {
        view! { " The last event of this server arrived " <Time moment /> "." }
    });
    let error = health.last_error.map(|error| {
        view! { <p class="quiet">"The last failed batch said: " <span class="id">{error}</span></p> }
    });
    view! {
        <p class="quiet">{health.sentence} {last}</p>
        {error}
    }
}

/// Bars, a minute each. Bars, not a line: a minute without events is a gap, and no slope.
#[component]
fn LastHour(by_minute: Vec<i64>, from: String) -> impl IntoView {
    let most = by_minute.iter().copied().max().unwrap_or(0);
    let sum: i64 = by_minute.iter().sum();
    let said = match (sum, most) {
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
        <figure class="hour server">
            <svg
                viewBox=format!("0 0 {width} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-label="Events that arrived, by minute of the last hour"
                data-from=from
            >
                {bars.collect_view()}
            </svg>
            <figcaption>
                <span>"an hour ago"</span>
                <span class="said">{said}</span>
                <span>"now"</span>
            </figcaption>
        </figure>
    }
}

/// Width of a minute, with the gap after it, and height of the busiest one.
const BAR: usize = 6;
const HEIGHT: usize = 48;

/// At least a line where anything arrived at all.
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

/// What was set aside.
#[component]
pub(super) fn ParkedCard(
    /// The latest.
    parked: Vec<ParkedEvent>,
    /// All of them.
    all: i64,
) -> impl IntoView {
    let listed = i64::try_from(parked.len()).unwrap_or(i64::MAX);
    let more = (all > listed).then(|| format!("The latest {listed} of {all}."));
    let rows = parked.into_iter().map(|event| view! { <ParkedRow event /> });
    view! {
        <section class="card operations-card" aria-labelledby="parked">
            <header>
                <h2 id="parked">"Events that were set aside"</h2>
                {more.map(|more| view! { <p class="quiet">{more}</p> })}
            </header>
            {match listed {
                0 => view! { <p class="quiet">"None. Every event has arrived or is on its way."</p> }.into_any(),
                _ => view! { <ul class="rows">{rows.collect_view()}</ul> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn ParkedRow(event: ParkedEvent) -> impl IntoView {
    let attempts = match event.attempts {
        1 => "1 attempt".to_owned(),
        attempts => format!("{attempts} attempts"),
    };
    let what = match event.withheld {
        true => view! { <span class="badge note">"never sent"</span> }.into_any(),
        false => view! { <Ask action=Action::ReplayEvent id=event.insert_id.clone() label="Send again" /> }
            .into_any(),
    };
    let id = event.insert_id.clone();
    view! {
        <li data-parked=id>
            <div class="row">
                <div>
                    <h3>{event.name}</h3>
                    <p class="reason" dir="auto">{event.reason}</p>
                </div>
                {what}
            </div>
            <p class="facts">
                <span class="id">{event.insert_id}</span>
                <span>"of " <PersonLink user=event.user /></span>
                <span>{attempts}</span>
                {event.parked.map(|moment| view! { <span>"set aside " <Time moment /></span> })}
            </p>
            <Payload text=event.payload />
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_show_the_busiest_minute_whole_and_every_event() {
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
