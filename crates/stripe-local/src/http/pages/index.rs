//! The control page: clock, subscriptions, deliveries and switches.

use axum::{extract::State, http::StatusCode, response::Response};

use super::{date_time, error_page, escape, html_page};
use crate::{
    engine::{Cause, Operation, events::HELD_BACK_MS},
    records::{
        CustomerRecord, DeliveryRecord, DeliveryState, EventRecord, StripeSubscriptionStatus,
        SubscriptionRecord, WebhookSwitchesRecord,
    },
    stand_in::StripeStandIn,
};

/// Rows in each table.
const MAX_ROWS: usize = 50;

/// `GET /`
pub(crate) async fn show(State(stand_in): State<StripeStandIn>) -> Response {
    let body = stand_in
        .run(String::new(), Cause::default(), |operation| Ok(body(operation)))
        .await;
    match body {
        Ok(body) => html_page(StatusCode::OK, "stripe-local", "wide", &body),
        Err(error) => error_page(&error),
    }
}

fn body(operation: &Operation<'_>) -> String {
    let now = operation.now_secs(None);
    let ahead = operation.ahead_secs();
    let subscriptions: String = operation
        .records
        .all::<SubscriptionRecord>()
        .rev()
        .take(MAX_ROWS)
        .map(|subscription| subscription_row(operation, subscription))
        .collect();
    let deliveries: String = operation
        .records
        .all::<DeliveryRecord>()
        .rev()
        .take(MAX_ROWS)
        .map(|delivery| delivery_row(operation, delivery))
        .collect();
    format!(
        r#"<main><h1>stripe-local <span class="badge">Test mode</span></h1>
<p class="soft">A local stand-in for Stripe. Billing clock: <strong>{}</strong> UTC, {ahead} s ahead of the wall clock.</p>
<h2>Clock</h2><form class="fields" method="post" action="/_sim/clock"><div><label for="days">Days</label><input id="days" name="days" type="number" min="0" value="1"></div><button>Move forward</button></form>
<h2>Subscriptions</h2><div class="scroll"><table><thead><tr><th>Subscription</th><th>Customer</th><th>Status</th><th>Period ends</th><th>Move clock to</th></tr></thead><tbody>{subscriptions}</tbody></table></div>
<h2>Webhooks</h2>{}<div class="scroll"><table><thead><tr><th>Event</th><th>State</th><th>Attempts</th><th>Resend</th></tr></thead><tbody>{deliveries}</tbody></table></div>
<h2>State</h2><div class="actions"><a class="button" href="/_sim/state">State as JSON</a><form method="post" action="/_sim/reset"><button>Reset</button></form></div></main>"#,
        date_time(now),
        switches_form(operation),
    )
}

fn subscription_row(operation: &Operation<'_>, subscription: &SubscriptionRecord) -> String {
    let email = operation
        .records
        .get::<CustomerRecord>(&subscription.customer)
        .and_then(|customer| customer.email.clone())
        .unwrap_or_else(|| subscription.customer.clone());
    let move_button = |until: &str, label: &str| {
        format!(
            "<form method=\"post\" action=\"/_sim/clock\"><input type=\"hidden\" name=\"subscription\" value=\"{}\"><input type=\"hidden\" name=\"until\" value=\"{until}\"><button>{label}</button></form>",
            escape(&subscription.id)
        )
    };
    let mut buttons = String::new();
    if !subscription.has_ended() {
        match subscription.status {
            StripeSubscriptionStatus::Trialing => buttons.push_str(&move_button("trial_end", "trial end")),
            StripeSubscriptionStatus::Paused => {}
            _ => buttons.push_str(&move_button("period_end", "period end")),
        }
        if operation.next_payment_at(subscription).is_some() {
            buttons.push_str(&move_button("payment", "next payment"));
        }
    }
    let ends = subscription
        .ends_at()
        .map_or(String::new(), |at| format!(" (ends {})", date_time(at)));
    format!(
        "<tr><td><code>{}</code></td><td>{}</td><td>{}{}</td><td>{}</td><td><div class=\"actions\">{buttons}</div></td></tr>",
        escape(&subscription.id),
        escape(&email),
        subscription.status.as_str(),
        escape(&ends),
        date_time(subscription.period.end),
    )
}

fn switches_form(operation: &Operation<'_>) -> String {
    let switches = operation
        .records
        .get::<WebhookSwitchesRecord>(WebhookSwitchesRecord::ID)
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
        number("duplicate", "Duplicate next …", switches.duplicate.into()),
        number("fail", "Fail next …", switches.fail.into()),
        number(
            "lose_answer",
            "Lose response of next …",
            switches.lose_response.into()
        ),
        number("reorder", "Reorder next …", switches.reorder.into()),
    )
}

fn delivery_row(operation: &Operation<'_>, delivery: &DeliveryRecord) -> String {
    let event = operation.records.get::<EventRecord>(&delivery.event);
    let state = match delivery.state {
        DeliveryState::Waiting if delivery.due_ms == HELD_BACK_MS => "held back",
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
