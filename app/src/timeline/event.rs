//! One event: a line, with everything about it behind it.

use std::sync::Arc;

use leptos::prelude::*;
use tracking::received::{ReceivedEvent, Source};
use tracking::stripe_clock::days_ahead;

use super::event_details::EventDetails;
use super::links;
use super::model::EventPage;

/// The line. The event that the URL names is open and has its details; for any other, the script loads them from that
/// event's page when the line is opened. Without script a link leads there.
#[component]
pub(super) fn EventView(event: ReceivedEvent, page: Arc<EventPage>) -> impl IntoView {
    let source = event.source;
    let time = event.times.first();
    let at = time.map(|(_, text)| text.get(11..23).unwrap_or(text).to_owned());
    let full_time = time.map(|(_, text)| format!("{text} UTC"));
    let path = event.page().map(str::to_owned);
    let revenue = event.revenue();
    let invalid = event
        .plan
        .clone()
        .filter(|plan| plan != "valid" && plan != "unchecked");
    let stripes_day = page
        .analysis
        .as_ref()
        .filter(|_| source == Source::Stripe)
        .and_then(|analysis| days_ahead(&event, &analysis.facts))
        .map(|days| format!("day {days} on Stripe's clock"));
    let (data_event, name) = (event.name.clone(), event.name.clone());
    let id = format!("event-{}", event.uuid);
    let open = page.query.event.as_deref() == Some(&event.uuid);
    let body = if open {
        view! {
            <div class="details">
                <EventDetails event page />
            </div>
        }
        .into_any()
    } else {
        let href = links::event_url(page.query.find.as_deref(), &event.uuid);
        view! {
            <a class="details" href=href data-load="">
                "Everything about this event"
            </a>
        }
        .into_any()
    };
    view! {
        <li class=source.as_str() data-event=data_event>
            <details id=id open=open>
                <summary class="event-row chevron">
                    <span class="badge">{source.label()}</span>
                    <span class="event-title">
                        <span class="event-name">{name}</span>
                        {path.map(|path| view! { " "<span class="event-place">{path}</span> })}
                        {revenue.map(|revenue| view! { " "<span class="event-amount">{revenue}</span> })}
                        {stripes_day.map(|day| view! { " "<span class="event-place">{day}</span> })}
                    </span>
                    {invalid.map(|invalid| view! { <span class="badge bad">{invalid}</span> })}
                    <time class="event-time" title=full_time>
                        {at}
                    </time>
                </summary>
                {body}
            </details>
        </li>
    }
}
