//! The delivery loop: sends due deliveries, one at a time per endpoint, in due order.

use std::time::Duration;

use tokio::{task::JoinSet, time::timeout};

use super::signature;
use crate::{
    api_error::ApiError,
    delivery_client::RESPONSE_TIMEOUT,
    engine::Cause,
    records::{
        DeliveryRecord, DeliveryState, EventRecord, Records, WebhookAttempt, WebhookEndpointRecord,
        WebhookSwitchesRecord,
    },
    render,
    stand_in::StripeStandIn,
};

/// The longest wait. The loop also runs due steps, and a test may move the wall clock.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// A delivery attempt that is ready to be sent.
struct WebhookRequest {
    delivery: String,
    url: String,
    signature: String,
    body: String,
    /// The effect of the webhook switches.
    simulated: SimulatedOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SimulatedOutcome {
    Sent,
    NotSent,
    ResponseLost,
}

/// Runs due steps and delivers webhooks until the stand-in is stopped.
pub(crate) async fn deliver_until_stopped(stand_in: StripeStandIn) {
    while !stand_in.is_stopped() {
        let requests = stand_in
            .run(String::new(), Cause::default(), |operation| {
                Ok(due_requests(operation.records, operation.wall_ms))
            })
            .await;
        let (requests, wait) = match requests {
            Ok(requests) => requests,
            // The error is already logged. The next round tries again.
            Err(_) => (Vec::new(), MAX_WAIT),
        };
        if requests.is_empty() {
            // Timeout or wakeup: in both cases there may be work.
            let _ = timeout(wait, stand_in.delivery_wakeup().notified()).await;
            continue;
        }
        let mut sending = JoinSet::new();
        for request in requests {
            let stand_in = stand_in.clone();
            sending.spawn(async move { send(&stand_in, request).await });
        }
        sending.join_all().await;
    }
}

/// The first due delivery of each endpoint, or how long to wait if none is due.
fn due_requests(records: &mut Records, wall_ms: i64) -> (Vec<WebhookRequest>, Duration) {
    let mut switches = records
        .get::<WebhookSwitchesRecord>(WebhookSwitchesRecord::ID)
        .cloned()
        .unwrap_or_default();
    if switches.hold {
        return (Vec::new(), MAX_WAIT);
    }
    let endpoints: Vec<WebhookEndpointRecord> = records.all::<WebhookEndpointRecord>().cloned().collect();
    let original_switches = switches.clone();
    let mut requests = Vec::new();
    let mut wait = MAX_WAIT;
    for endpoint in endpoints {
        let next = records
            .all::<DeliveryRecord>()
            .filter(|delivery| delivery.endpoint == endpoint.id && delivery.state == DeliveryState::Waiting)
            .min_by_key(|delivery| delivery.due_ms);
        let Some(delivery) = next else {
            continue;
        };
        if delivery.due_ms > wall_ms {
            let wait_ms = u64::try_from(delivery.due_ms.saturating_sub(wall_ms)).unwrap_or_default();
            wait = wait.min(Duration::from_millis(wait_ms));
            continue;
        }
        let Some(event) = records.get::<EventRecord>(&delivery.event) else {
            continue;
        };
        let body = render::event(records, event).to_string();
        requests.push(WebhookRequest {
            delivery: delivery.id.clone(),
            url: endpoint.url.clone(),
            // Each attempt has a new timestamp, because receivers reject old signatures.
            signature: signature(&endpoint.secret, wall_ms.div_euclid(1000), &body),
            body,
            simulated: simulate_outcome(&mut switches),
        });
    }
    if switches != original_switches {
        records.put(switches);
    }
    (requests, wait)
}

fn simulate_outcome(switches: &mut WebhookSwitchesRecord) -> SimulatedOutcome {
    if switches.fail > 0 {
        switches.fail -= 1;
        SimulatedOutcome::NotSent
    } else if switches.lose_response > 0 {
        switches.lose_response -= 1;
        SimulatedOutcome::ResponseLost
    } else {
        SimulatedOutcome::Sent
    }
}

async fn send(stand_in: &StripeStandIn, request: WebhookRequest) {
    let response = match request.simulated {
        SimulatedOutcome::NotSent => Err("not sent: the switch `fail` is on".to_owned()),
        SimulatedOutcome::Sent | SimulatedOutcome::ResponseLost => {
            let sent = stand_in
                .client()
                .post(&request.url)
                .header("content-type", "application/json; charset=utf-8")
                .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
                .header("stripe-signature", &request.signature)
                .body(request.body)
                .send()
                .await;
            match (sent, request.simulated) {
                (Ok(_), SimulatedOutcome::ResponseLost) => {
                    Err("response dropped: the switch `lose_answer` is on".to_owned())
                }
                (Ok(response), _) => Ok(response.status().as_u16()),
                (Err(error), _) => Err(error_text(&error)),
            }
        }
    };
    let saved = stand_in
        .run(String::new(), Cause::default(), move |operation| {
            let retry_delays_ms = operation.rules.webhook_retry_ms.clone();
            record_attempt(
                operation.records,
                &request.delivery,
                response,
                operation.wall_ms,
                &retry_delays_ms,
            )
        })
        .await;
    if let Err(error) = saved {
        // The delivery stays due and is sent again. Webhooks are delivered at least once.
        tracing::error!(error = error.message(), "a delivery attempt could not be saved");
        tokio::time::sleep(MAX_WAIT).await;
    }
}

fn error_text(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        format!("no response within {} s", RESPONSE_TIMEOUT.as_secs())
    } else if error.is_connect() {
        "cannot connect to the endpoint".to_owned()
    } else {
        "the connection was closed".to_owned()
    }
}

/// Saves the result of an attempt and schedules the next one. A deleted delivery is ignored.
fn record_attempt(
    records: &mut Records,
    id: &str,
    response: Result<u16, String>,
    wall_ms: i64,
    retry_delays_ms: &[i64],
) -> Result<(), ApiError> {
    let Some(mut delivery) = records.get::<DeliveryRecord>(id).cloned() else {
        return Ok(());
    };
    let delivered = response.as_ref().is_ok_and(|status| (200..300).contains(status));
    let (status, error) = match response {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(error)),
    };
    delivery.attempts.push(WebhookAttempt {
        at_ms: wall_ms,
        status,
        error,
    });
    match retry_delays_ms.get(delivery.attempts.len() - 1) {
        _ if delivered => delivery.state = DeliveryState::Delivered,
        Some(wait) => delivery.due_ms = wall_ms + wait,
        None => delivery.state = DeliveryState::GivenUp,
    }
    records.put(delivery);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_ends_after_the_last_retry() {
        let mut records = Records::new(Some(1));
        records.put(DeliveryRecord {
            id: "whd_1".to_owned(),
            event: "evt_1".to_owned(),
            endpoint: "we_1".to_owned(),
            due_ms: 0,
            state: DeliveryState::Waiting,
            attempts: Vec::new(),
            is_copy: false,
        });
        let retry_delays_ms = [10, 20];
        // Response, time, then the state and the due time.
        let cases = [
            (Ok(500), 100, DeliveryState::Waiting, 110),
            (Err("cannot connect".to_owned()), 200, DeliveryState::Waiting, 220),
            (Ok(301), 300, DeliveryState::GivenUp, 220),
        ];
        for (response, at, state, due) in cases {
            record_attempt(&mut records, "whd_1", response, at, &retry_delays_ms).unwrap();
            let delivery = records.get::<DeliveryRecord>("whd_1").unwrap();
            assert_eq!((delivery.state, delivery.due_ms), (state, due), "{at}");
        }
        record_attempt(&mut records, "whd_1", Ok(204), 400, &retry_delays_ms).unwrap();
        assert_eq!(
            records.get::<DeliveryRecord>("whd_1").unwrap().state,
            DeliveryState::Delivered
        );
    }

    #[test]
    fn switches_apply_to_the_next_attempts() {
        let mut switches = WebhookSwitchesRecord {
            fail: 1,
            lose_response: 1,
            ..WebhookSwitchesRecord::default()
        };
        let outcomes: Vec<SimulatedOutcome> = (0..3).map(|_| simulate_outcome(&mut switches)).collect();
        assert_eq!(
            outcomes,
            [
                SimulatedOutcome::NotSent,
                SimulatedOutcome::ResponseLost,
                SimulatedOutcome::Sent
            ]
        );
    }
}
