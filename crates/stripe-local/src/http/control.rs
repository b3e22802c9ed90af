//! The control API under `/_sim/`, which Stripe does not have: clock, webhook switches, state and reset.
//!
//! Programs send and receive JSON. The control page sends forms and is redirected to itself.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::responses::{error_response, json_response};
use crate::{
    api_error::ApiError,
    billing::period::DAY_SECS,
    engine::{
        BillingClockTarget, Cause, Operation,
        events::{HELD_BACK_MS, queue_delivery, release_held_deliveries},
        register_configured_endpoints,
    },
    form,
    records::{
        ChargeRecord, CustomerRecord, DeliveryRecord, EventRecord, InvoiceRecord, StripeDisputeRecord,
        StripeRefundRecord, SubscriptionRecord, TestClockRecord, WebhookEndpointRecord,
        WebhookSwitchesRecord,
    },
    render,
    stand_in::StripeStandIn,
};

/// Deliveries in a response, newest first.
const MAX_DELIVERIES: usize = 200;

/// Runs an operation that no API request caused.
async fn run(
    stand_in: &StripeStandIn,
    headers: &HeaderMap,
    action: impl FnOnce(&mut Operation<'_>) -> Result<Value, ApiError> + Send + 'static,
) -> Response {
    match stand_in.run(String::new(), Cause::default(), action).await {
        Ok(_) if is_form(headers) => Redirect::to("/").into_response(),
        Ok(body) => json_response(200, &body),
        Err(error) => error_response(&error),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
}

/// Parses JSON, or a form whose values are parsed as JSON where possible.
fn parse_body<T: DeserializeOwned>(headers: &HeaderMap, body: &str) -> Result<T, ApiError> {
    let value = if is_form(headers) {
        let fields = form::fields(body)
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key, serde_json::from_str(&text).unwrap_or(Value::String(text))));
        Value::Object(fields.collect::<Map<_, _>>())
    } else if body.trim().is_empty() {
        json!({})
    } else {
        serde_json::from_str(body)
            .map_err(|error| ApiError::invalid_request(format!("Invalid JSON: {error}")))?
    };
    serde_json::from_value(value).map_err(|error| ApiError::invalid_request(error.to_string()))
}

fn clock_json(operation: &Operation<'_>) -> Value {
    json!({"now": operation.now_secs(None), "ahead": operation.ahead_secs(), "wall": operation.wall_secs()})
}

/// `GET /_sim/clock`
pub(super) async fn clock(State(stand_in): State<StripeStandIn>, headers: HeaderMap) -> Response {
    run(&stand_in, &headers, |operation| Ok(clock_json(operation))).await
}

/// `{"advance": seconds}`, `{"days": n}`, `{"to": unix seconds}`, or `{"subscription": "sub_…", "until": …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveClockRequest {
    advance: Option<i64>,
    days: Option<i64>,
    to: Option<i64>,
    subscription: Option<String>,
    until: Option<Milestone>,
}

/// An event in a subscription's future.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Milestone {
    TrialEnd,
    /// The end of the current period.
    PeriodEnd,
    /// The next payment attempt.
    Payment,
}

/// `POST /_sim/clock`: moves the global clock, or the clock of a subscription
pub(super) async fn move_clock(
    State(stand_in): State<StripeStandIn>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let request = match parse_body::<MoveClockRequest>(&headers, &body) {
        Ok(request) => request,
        Err(error) => return error_response(&error),
    };
    run(&stand_in, &headers, move |operation| {
        match request {
            MoveClockRequest { subscription: Some(id), until: Some(until), advance: None, days: None, to: None } => {
                let subscription = operation.find::<SubscriptionRecord>("subscription", &id, "subscription")?;
                let target = milestone_secs(operation, &subscription, until)?;
                operation.move_clock_of(&subscription, target)?;
            }
            MoveClockRequest { advance: Some(seconds), days: None, to: None, subscription: None, until: None } => {
                operation.move_global_clock(BillingClockTarget::AheadSecs(seconds))?;
            }
            MoveClockRequest { days: Some(days), advance: None, to: None, subscription: None, until: None } => {
                operation.move_global_clock(BillingClockTarget::AheadSecs(days.saturating_mul(DAY_SECS)))?;
            }
            MoveClockRequest { to: Some(at), advance: None, days: None, subscription: None, until: None } => {
                operation.move_global_clock(BillingClockTarget::At(at))?;
            }
            _ => {
                return Err(ApiError::invalid_request(
                    "Send one of {\"advance\": seconds}, {\"days\": n}, {\"to\": unix seconds}, {\"subscription\": id, \"until\": \"trial_end\" | \"period_end\" | \"payment\"}.",
                ));
            }
        }
        Ok(clock_json(operation))
    })
    .await
}

fn milestone_secs(
    operation: &Operation<'_>,
    subscription: &SubscriptionRecord,
    until: Milestone,
) -> Result<i64, ApiError> {
    if subscription.has_ended() {
        return Err(ApiError::invalid_request("This subscription has ended."));
    }
    match until {
        Milestone::TrialEnd => subscription
            .trial
            .map(|trial| trial.end)
            .ok_or_else(|| ApiError::invalid_request("This subscription has no trial.")),
        Milestone::PeriodEnd => Ok(subscription.period.end),
        Milestone::Payment => operation
            .next_payment_at(subscription)
            .ok_or_else(|| ApiError::invalid_request("This subscription has no upcoming payment.")),
    }
}

/// `GET /_sim/state`: all objects, as the API renders them
pub(super) async fn state(State(stand_in): State<StripeStandIn>, headers: HeaderMap) -> Response {
    run(&stand_in, &headers, |operation| {
        let records = &*operation.records;
        Ok(json!({
            "clock": clock_json(operation),
            "test_clocks": records.all::<TestClockRecord>().map(render::test_clock).collect::<Vec<_>>(),
            "customers": records.all::<CustomerRecord>().map(render::customer).collect::<Vec<_>>(),
            "subscriptions": records.all::<SubscriptionRecord>().map(|one| render::subscription(records, one)).collect::<Vec<_>>(),
            "invoices": records.all::<InvoiceRecord>().map(|one| render::invoice(records, one)).collect::<Vec<_>>(),
            "webhook_endpoints": records.all::<WebhookEndpointRecord>().map(|one| render::webhook_endpoint(one, false)).collect::<Vec<_>>(),
            "switches": current_switches(operation),
        }))
    })
    .await
}

fn current_switches(operation: &Operation<'_>) -> WebhookSwitchesRecord {
    operation
        .records
        .get::<WebhookSwitchesRecord>(WebhookSwitchesRecord::ID)
        .cloned()
        .unwrap_or_default()
}

/// A delivery with the name of its event.
pub(super) fn delivery_json(operation: &Operation<'_>, delivery: &DeliveryRecord) -> Value {
    let event = operation.records.get::<EventRecord>(&delivery.event);
    json!({
        "id": delivery.id,
        "event": delivery.event,
        "type": event.map(|event| &event.name),
        "object": event.map(|event| &event.object["id"]),
        "endpoint": delivery.endpoint,
        "state": delivery.state,
        "copy": delivery.is_copy,
        "due_ms": (delivery.due_ms != HELD_BACK_MS).then_some(delivery.due_ms),
        "attempts": delivery.attempts,
    })
}

/// `GET /_sim/webhooks`: switches and deliveries, newest first
pub(super) async fn webhooks(State(stand_in): State<StripeStandIn>, headers: HeaderMap) -> Response {
    run(&stand_in, &headers, |operation| {
        let deliveries: Vec<Value> = operation
            .records
            .all::<DeliveryRecord>()
            .rev()
            .take(MAX_DELIVERIES)
            .map(|one| delivery_json(operation, one))
            .collect();
        Ok(json!({"switches": current_switches(operation), "deliveries": deliveries}))
    })
    .await
}

/// `POST /_sim/webhooks`: replaces all switches; missing fields are off
pub(super) async fn set_switches(
    State(stand_in): State<StripeStandIn>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let switches = match parse_body::<WebhookSwitchesRecord>(&headers, &body) {
        Ok(switches) => WebhookSwitchesRecord {
            id: WebhookSwitchesRecord::ID.to_owned(),
            ..switches
        },
        Err(error) => return error_response(&error),
    };
    run(&stand_in, &headers, move |operation| {
        let response = json!({"switches": switches});
        if switches.reorder == 0 {
            release_held_deliveries(operation.records, operation.wall_ms);
        }
        operation.records.put(switches);
        Ok(response)
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResendRequest {
    event: String,
    /// `None`: all endpoints.
    endpoint: Option<String>,
}

/// `POST /_sim/webhooks/resend`: sends an event again, to one endpoint or to all
pub(super) async fn resend(
    State(stand_in): State<StripeStandIn>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let request = match parse_body::<ResendRequest>(&headers, &body) {
        Ok(request) => request,
        Err(error) => return error_response(&error),
    };
    run(&stand_in, &headers, move |operation| {
        operation.find::<EventRecord>("event", &request.event, "event")?;
        let endpoints: Vec<String> = operation
            .records
            .all::<WebhookEndpointRecord>()
            .filter(|endpoint| request.endpoint.as_ref().is_none_or(|id| endpoint.id == *id))
            .map(|endpoint| endpoint.id.clone())
            .collect();
        for endpoint in &endpoints {
            queue_delivery(
                operation.records,
                &request.event,
                endpoint,
                operation.wall_ms,
                true,
            );
        }
        Ok(json!({"event": request.event, "endpoints": endpoints}))
    })
    .await
}

/// `POST /_sim/webhooks/release`: sends the deliveries that `reorder` holds back
pub(super) async fn release(State(stand_in): State<StripeStandIn>, headers: HeaderMap) -> Response {
    run(&stand_in, &headers, |operation| {
        let switches = WebhookSwitchesRecord {
            reorder: 0,
            ..current_switches(operation)
        };
        operation.records.put(switches);
        release_held_deliveries(operation.records, operation.wall_ms);
        Ok(json!({"released": true}))
    })
    .await
}

/// `POST /_sim/refunds/{id}/fail`: the bank rejects a refund
pub(super) async fn fail_refund(
    State(stand_in): State<StripeStandIn>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    run(&stand_in, &headers, move |operation| {
        let refund = operation.find::<StripeRefundRecord>("refund", &id, "id")?;
        Ok(render::refund(&operation.fail_refund(&refund)?))
    })
    .await
}

/// The amount to dispute, in minor units; the whole charge without one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DisputeRequest {
    amount: Option<i64>,
}

/// `POST /_sim/charges/{id}/dispute`: the cardholder disputes a payment
pub(super) async fn open_dispute(
    State(stand_in): State<StripeStandIn>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: String,
) -> Response {
    let request: DisputeRequest = match parse_body(&headers, &body) {
        Ok(request) => request,
        Err(error) => return error_response(&error),
    };
    run(&stand_in, &headers, move |operation| {
        let charge = operation.find::<ChargeRecord>("charge", &id, "id")?;
        Ok(render::dispute(&operation.open_dispute(&charge, request.amount)?))
    })
    .await
}

/// Whether a dispute is won.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseDisputeRequest {
    won: bool,
}

/// `POST /_sim/disputes/{id}/close`: the bank decides
pub(super) async fn close_dispute(
    State(stand_in): State<StripeStandIn>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: String,
) -> Response {
    let request: CloseDisputeRequest = match parse_body(&headers, &body) {
        Ok(request) => request,
        Err(error) => return error_response(&error),
    };
    run(&stand_in, &headers, move |operation| {
        let dispute = operation.find::<StripeDisputeRecord>("dispute", &id, "id")?;
        Ok(render::dispute(&operation.close_dispute(&dispute, request.won)?))
    })
    .await
}

/// `POST /_sim/reset`: deletes all records except the configured endpoints; the global clock shows the wall clock
/// again
pub(super) async fn reset(State(stand_in): State<StripeStandIn>, headers: HeaderMap) -> Response {
    let settings = stand_in.settings().clone();
    run(&stand_in, &headers, move |operation| {
        operation.records.clear();
        register_configured_endpoints(operation.records, &settings);
        Ok(json!({"reset": true}))
    })
    .await
}
