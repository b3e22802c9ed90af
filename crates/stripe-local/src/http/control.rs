//! `/_sim/`: what Stripe does not have. The clock, the switches of the webhooks, the state, the reset.
//!
//! Programs send JSON and get JSON; the control page sends forms and is shown again.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{answered, failed};
use crate::{
    engine::{
        Cause, Jump, Work,
        events::{HELD, deliver, release as release_held},
    },
    failure::Failure,
    form::{self, Node},
    render,
    stripe::{Stripe, register},
    world::{Customer, Delivery, Event, Invoice, Refund, Subscription, Switches, TestClock, WebhookEndpoint},
};

/// Deliveries shown, newest first.
const MOST_DELIVERIES: usize = 200;

/// Runs an operation that nobody asked for through the API.
async fn run(
    stripe: &Stripe,
    headers: &HeaderMap,
    operation: impl FnOnce(&mut Work<'_>) -> Result<Value, Failure> + Send + 'static,
) -> Response {
    match stripe.run(String::new(), Cause::default(), operation).await {
        Ok(_) if is_form(headers) => Redirect::to("/").into_response(),
        Ok(body) => answered(200, &body),
        Err(failure) => failed(&failure),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
}

/// Reads JSON, or a form whose numbers and `true` are what they look like.
fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &str) -> Result<T, Failure> {
    let value = if is_form(headers) {
        let fields = form::parse(body)
            .into_iter()
            .filter_map(|(key, node)| match node {
                Node::Text(text) if !text.is_empty() => {
                    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
                    Some((key, value))
                }
                _ => None,
            });
        Value::Object(fields.collect::<Map<_, _>>())
    } else if body.trim().is_empty() {
        json!({})
    } else {
        serde_json::from_str(body).map_err(|error| Failure::invalid(format!("This is no JSON: {error}")))?
    };
    serde_json::from_value(value).map_err(|error| Failure::invalid(error.to_string()))
}

fn clock_now(work: &Work<'_>) -> Value {
    json!({"now": work.now(None), "ahead": work.ahead(), "wall": work.wall()})
}

/// `GET /_sim/clock`
pub(super) async fn clock(State(stripe): State<Stripe>, headers: HeaderMap) -> Response {
    run(&stripe, &headers, |work| Ok(clock_now(work))).await
}

/// `{"advance": seconds}`, `{"days": n}`, `{"to": unix seconds}`, or `{"subscription": "sub_…", "until": …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance: Option<i64>,
    days: Option<i64>,
    to: Option<i64>,
    subscription: Option<String>,
    until: Option<Until>,
}

/// A moment in a subscription's life.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Until {
    TrialEnd,
    /// The end of the current period.
    PeriodEnd,
    /// The next attempt to take money.
    Payment,
}

/// `POST /_sim/clock`: moves everything that is not on a test clock, or the clock that a subscription is on
pub(super) async fn move_clock(State(stripe): State<Stripe>, headers: HeaderMap, body: String) -> Response {
    let asked = match read::<Move>(&headers, &body) {
        Ok(asked) => asked,
        Err(failure) => return failed(&failure),
    };
    run(&stripe, &headers, move |work| {
        match asked {
            Move { subscription: Some(id), until: Some(until), advance: None, days: None, to: None } => {
                let subscription = work.find::<Subscription>("subscription", &id, "subscription")?;
                let target = moment(work, &subscription, until)?;
                work.jump_for(&subscription, target)?;
            }
            Move { advance: Some(seconds), days: None, to: None, subscription: None, until: None } => {
                work.jump(Jump::By(seconds))?;
            }
            Move { days: Some(days), advance: None, to: None, subscription: None, until: None } => {
                work.jump(Jump::By(days.saturating_mul(crate::billing::period::DAY)))?;
            }
            Move { to: Some(at), advance: None, days: None, subscription: None, until: None } => {
                work.jump(Jump::To(at))?;
            }
            _ => {
                return Err(Failure::invalid(
                    "Send one of {\"advance\": seconds}, {\"days\": n}, {\"to\": unix seconds}, {\"subscription\": id, \"until\": \"trial_end\" | \"period_end\" | \"payment\"}.",
                ));
            }
        }
        Ok(clock_now(work))
    })
    .await
}

fn moment(work: &Work<'_>, subscription: &Subscription, until: Until) -> Result<i64, Failure> {
    if subscription.is_over() {
        return Err(Failure::invalid(
            "This subscription is over: nothing will happen to it.",
        ));
    }
    match until {
        Until::TrialEnd => subscription
            .trial
            .map(|trial| trial.end)
            .ok_or_else(|| Failure::invalid("This subscription has no trial.")),
        Until::PeriodEnd => Ok(subscription.period.end),
        Until::Payment => work
            .next_payment(subscription)
            .ok_or_else(|| Failure::invalid("No payment of this subscription will come by itself.")),
    }
}

/// `GET /_sim/state`: everything, as the API shows it
pub(super) async fn state(State(stripe): State<Stripe>, headers: HeaderMap) -> Response {
    run(&stripe, &headers, |work| {
        let world = &*work.world;
        Ok(json!({
            "clock": clock_now(work),
            "test_clocks": world.all::<TestClock>().map(render::test_clock).collect::<Vec<_>>(),
            "customers": world.all::<Customer>().map(render::customer).collect::<Vec<_>>(),
            "subscriptions": world.all::<Subscription>().map(|one| render::subscription(world, one)).collect::<Vec<_>>(),
            "invoices": world.all::<Invoice>().map(|one| render::invoice(world, one)).collect::<Vec<_>>(),
            "webhook_endpoints": world.all::<WebhookEndpoint>().map(|one| render::webhook_endpoint(one, false)).collect::<Vec<_>>(),
            "switches": switches_of(work),
        }))
    })
    .await
}

fn switches_of(work: &Work<'_>) -> Switches {
    work.world
        .get::<Switches>(Switches::ID)
        .cloned()
        .unwrap_or_default()
}

/// A delivery with its event's name.
pub(super) fn delivery(work: &Work<'_>, delivery: &Delivery) -> Value {
    let event = work.world.get::<Event>(&delivery.event);
    json!({
        "id": delivery.id,
        "event": delivery.event,
        "type": event.map(|event| &event.name),
        "object": event.map(|event| &event.object["id"]),
        "endpoint": delivery.endpoint,
        "state": delivery.state,
        "copy": delivery.copy,
        "due_ms": (delivery.due_ms != HELD).then_some(delivery.due_ms),
        "attempts": delivery.attempts,
    })
}

/// `GET /_sim/webhooks`: switches and deliveries, newest first
pub(super) async fn webhooks(State(stripe): State<Stripe>, headers: HeaderMap) -> Response {
    run(&stripe, &headers, |work| {
        let deliveries: Vec<Value> = work
            .world
            .all::<Delivery>()
            .rev()
            .take(MOST_DELIVERIES)
            .map(|one| delivery(work, one))
            .collect();
        Ok(json!({"switches": switches_of(work), "deliveries": deliveries}))
    })
    .await
}

/// `POST /_sim/webhooks`: the switches, whole; what is left out is off
pub(super) async fn set_switches(State(stripe): State<Stripe>, headers: HeaderMap, body: String) -> Response {
    let switches = match read::<Switches>(&headers, &body) {
        Ok(switches) => Switches {
            id: Switches::ID.to_owned(),
            ..switches
        },
        Err(failure) => return failed(&failure),
    };
    run(&stripe, &headers, move |work| {
        let answer = json!({"switches": switches});
        if switches.reorder == 0 {
            release_held(work.world, work.wall_ms);
        }
        work.world.put(switches);
        Ok(answer)
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resend {
    event: String,
    /// `None`: all endpoints.
    endpoint: Option<String>,
}

/// `POST /_sim/webhooks/resend`: an event once more, to one endpoint or to all
pub(super) async fn resend(State(stripe): State<Stripe>, headers: HeaderMap, body: String) -> Response {
    let asked = match read::<Resend>(&headers, &body) {
        Ok(asked) => asked,
        Err(failure) => return failed(&failure),
    };
    run(&stripe, &headers, move |work| {
        work.find::<Event>("event", &asked.event, "event")?;
        let endpoints: Vec<String> = work
            .world
            .all::<WebhookEndpoint>()
            .filter(|endpoint| asked.endpoint.as_ref().is_none_or(|id| endpoint.id == *id))
            .map(|endpoint| endpoint.id.clone())
            .collect();
        for endpoint in &endpoints {
            deliver(work.world, &asked.event, endpoint, work.wall_ms, true);
        }
        Ok(json!({"event": asked.event, "endpoints": endpoints}))
    })
    .await
}

/// `POST /_sim/webhooks/release`: sends what a `reorder` holds back
pub(super) async fn release(State(stripe): State<Stripe>, headers: HeaderMap) -> Response {
    run(&stripe, &headers, |work| {
        let switches = Switches {
            reorder: 0,
            ..switches_of(work)
        };
        work.world.put(switches);
        release_held(work.world, work.wall_ms);
        Ok(json!({"released": true}))
    })
    .await
}

/// `POST /_sim/refunds/{id}/fail`: the bank sends a refund back
pub(super) async fn fail_refund(
    State(stripe): State<Stripe>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    run(&stripe, &headers, move |work| {
        let refund = work.find::<Refund>("refund", &id, "id")?;
        Ok(render::refund(&work.fail_refund(&refund)?))
    })
    .await
}

/// `POST /_sim/reset`: an empty account with the endpoints of the start; the clock is the wall clock again
pub(super) async fn reset(State(stripe): State<Stripe>, headers: HeaderMap) -> Response {
    let settings = stripe.settings().clone();
    run(&stripe, &headers, move |work| {
        work.world.clear();
        register(work.world, &settings);
        Ok(json!({"reset": true}))
    })
    .await
}
