//! The first page: the clock, what lives, what is on its way, and the switches.

use axum::{extract::State, http::StatusCode, response::Response};

use super::{escape, moment, notice, page};
use crate::{
    engine::{Cause, Work, events::HELD},
    stripe::Stripe,
    world::{Customer, Delivery, DeliveryState, Event, Status, Subscription, Switches},
};

/// Rows of each table.
const MOST_ROWS: usize = 50;

/// `GET /`
pub(crate) async fn show(State(stripe): State<Stripe>) -> Response {
    let body = stripe
        .run(String::new(), Cause::default(), |work| Ok(body(work)))
        .await;
    match body {
        Ok(body) => page(StatusCode::OK, "stripe-local", "wide", &body),
        Err(failure) => notice(&failure),
    }
}

fn body(work: &Work<'_>) -> String {
    let now = work.now(None);
    let ahead = work.ahead();
    let subscriptions: String = work
        .world
        .all::<Subscription>()
        .rev()
        .take(MOST_ROWS)
        .map(|subscription| row(work, subscription))
        .collect();
    let deliveries: String = work
        .world
        .all::<Delivery>()
        .rev()
        .take(MOST_ROWS)
        .map(|delivery| delivery_row(work, delivery))
        .collect();
    format!(
        r#"<main><h1>stripe-local <span class="badge">Test mode</span></h1>
<p class="soft">A local stand-in for Stripe. Billing clock: <strong>{}</strong> UTC, {ahead} s ahead of the wall clock.</p>
<h2>Clock</h2><form class="fields" method="post" action="/_sim/clock"><div><label for="days">Days</label><input id="days" name="days" type="number" min="0" value="1"></div><button>Jump ahead</button></form>
<h2>Subscriptions</h2><div class="scroll"><table><thead><tr><th>Subscription</th><th>Customer</th><th>Status</th><th>Period ends</th><th>Jump to</th></tr></thead><tbody>{subscriptions}</tbody></table></div>
<h2>Webhooks</h2>{}<div class="scroll"><table><thead><tr><th>Event</th><th>State</th><th>Attempts</th><th>Again</th></tr></thead><tbody>{deliveries}</tbody></table></div>
<h2>Everything</h2><div class="actions"><a class="button" href="/_sim/state">State as JSON</a><form method="post" action="/_sim/reset"><button>Reset</button></form></div></main>"#,
        moment(now),
        switches(work),
    )
}

fn row(work: &Work<'_>, subscription: &Subscription) -> String {
    let email = work
        .world
        .get::<Customer>(&subscription.customer)
        .and_then(|customer| customer.email.clone())
        .unwrap_or_else(|| subscription.customer.clone());
    let jump = |until: &str, label: &str| {
        format!(
            "<form method=\"post\" action=\"/_sim/clock\"><input type=\"hidden\" name=\"subscription\" value=\"{}\"><input type=\"hidden\" name=\"until\" value=\"{until}\"><button>{label}</button></form>",
            escape(&subscription.id)
        )
    };
    let mut jumps = String::new();
    if !subscription.is_over() {
        match subscription.status {
            Status::Trialing => jumps.push_str(&jump("trial_end", "trial end")),
            Status::Paused => {}
            _ => jumps.push_str(&jump("period_end", "period end")),
        }
        if work.next_payment(subscription).is_some() {
            jumps.push_str(&jump("payment", "next payment"));
        }
    }
    let ends = subscription
        .ends_at()
        .map_or(String::new(), |at| format!(" (ends {})", moment(at)));
    format!(
        "<tr><td><code>{}</code></td><td>{}</td><td>{}{}</td><td>{}</td><td><div class=\"actions\">{jumps}</div></td></tr>",
        escape(&subscription.id),
        escape(&email),
        subscription.status.as_str(),
        escape(&ends),
        moment(subscription.period.end),
    )
}

fn switches(work: &Work<'_>) -> String {
    let switches = work
        .world
        .get::<Switches>(Switches::ID)
        .cloned()
        .unwrap_or_default();
    let number = |name: &str, label: &str, value: i64| {
        format!(
            "<div><label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" type=\"number\" min=\"0\" value=\"{value}\"></div>"
        )
    };
    format!(
        "<form class=\"fields\" method=\"post\" action=\"/_sim/webhooks\">{}{}{}{}{}<button>Set</button></form>",
        number("delay_ms", "Delay (ms)", switches.delay_ms),
        number("duplicate", "Next … twice", switches.duplicate.into()),
        number("fail", "Next … fail", switches.fail.into()),
        number("lose_answer", "Next … answers lost", switches.lose_answer.into()),
        number("reorder", "Shuffle next …", switches.reorder.into()),
    )
}

fn delivery_row(work: &Work<'_>, delivery: &Delivery) -> String {
    let event = work.world.get::<Event>(&delivery.event);
    let state = match delivery.state {
        DeliveryState::Waiting if delivery.due_ms == HELD => "held back",
        DeliveryState::Waiting => "waiting",
        DeliveryState::Delivered => "delivered",
        DeliveryState::GivenUp => "given up",
    };
    let last =
        delivery
            .attempts
            .last()
            .map_or(String::new(), |attempt| match (attempt.status, &attempt.error) {
                (Some(status), _) => format!(": {status}"),
                (None, Some(error)) => format!(": {error}"),
                (None, None) => String::new(),
            });
    format!(
        "<tr><td>{}<br><code class=\"small\">{}</code></td><td>{state}</td><td>{}{}</td><td><form method=\"post\" action=\"/_sim/webhooks/resend\"><input type=\"hidden\" name=\"event\" value=\"{}\"><button>Resend</button></form></td></tr>",
        escape(event.map_or("", |event| &event.name)),
        escape(&delivery.event),
        delivery.attempts.len(),
        escape(&last),
        escape(&delivery.event),
    )
}
