//! Webhooks that are not ours, and the difference between the clocks.

use backend::billing::inbox::{NotOursCount, NotOursReason};
use backend::billing::{CLOCK_TOLERANCE_MS, ClockSkew};
use leptos::prelude::*;

use super::labels::duration;
use super::parts::Time;

/// How many webhooks were not ours, by type and reason. Nothing of them is kept.
#[component]
pub(super) fn NotOursCard(counts: Vec<NotOursCount>, now_ms: i64) -> impl IntoView {
    let none = counts.is_empty();
    let rows = counts.into_iter().map(|count| {
        let class = match count.reason {
            NotOursReason::OtherMode => "badge bad",
            _ => "badge note",
        };
        let event_type = count.event_type.clone();
        view! {
            <li data-not-ours=event_type>
                <div class="operations-row">
                    <h3>{count.event_type} " " <span class=class>{count.reason.as_str()}</span></h3>
                    <span>{count.webhooks}</span>
                </div>
                <p class="operations-facts">
                    <span>"last received " <Time ms=count.last_received_ms now_ms /></span>
                </p>
            </li>
        }
    });
    let rows = rows.collect_view();
    view! {
        <section class="card operations-card" aria-labelledby="not-ours">
            <header>
                <h2 id="not-ours">"Webhooks that are not ours"</h2>
            </header>
            <p class="quiet">
                "Of other products in the same Stripe account, of the other mode, or of types without effect here. They are answered and counted, and not stored."
            </p>
            {match none {
                true => view! { <p class="quiet">"None so far."</p> }.into_any(),
                false => view! { <ul class="operations-rows">{rows}</ul> }.into_any(),
            }}
        </section>
    }
}

/// A warning if this server's clock differs from Stripe's by more than the tolerance.
#[component]
pub(super) fn ClockNotice(clock_skew: Option<ClockSkew>, now_ms: i64) -> impl IntoView {
    clock_skew.filter(|skew| skew.is_excessive()).map(|skew| {
        let direction = if skew.ahead_ms > 0 { "ahead of" } else { "behind" };
        view! {
            <p class="banner error" role="status" data-clock-skew=skew.ahead_ms>
                {format!(
                    "This server's clock is {} {direction} Stripe's. Beyond {} events can get the wrong session, and beyond 5 minutes every webhook is refused. Synchronize the clock. Measured ",
                    duration(skew.ahead_ms.abs()),
                    duration(CLOCK_TOLERANCE_MS),
                )}
                <Time ms=skew.measured_ms now_ms />
                "."
            </p>
        }
    })
}
