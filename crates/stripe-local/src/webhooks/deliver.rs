//! The loop that posts events to endpoints: one at a time for each endpoint, in the order of their being due.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{task::JoinSet, time::timeout};

use super::signature;
use crate::{
    engine::Cause,
    failure::Failure,
    render,
    stripe::Stripe,
    world::{Attempt, Delivery, DeliveryState, Event, Switches, WebhookEndpoint, World},
};

/// An endpoint that is slower than this counts as one that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest sleep: billing time passes meanwhile, and the wall clock may be one that a test moves.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The client for deliveries. It follows no redirects and trusts no certificates: it stays on this machine.
pub(crate) fn client() -> Result<Client, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(|error| error.to_string())
}

/// A request that is ready to be sent.
struct Letter {
    delivery: String,
    url: String,
    signature: String,
    body: String,
    /// What a switch makes of it.
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Sent,
    NotSent,
    AnswerLost,
}

/// Lets time pass and delivers webhooks until the stand-in ends.
pub(crate) async fn deliver_until_ended(stripe: Stripe) {
    while !stripe.has_ended() {
        let letters = stripe
            .run(String::new(), Cause::default(), |work| {
                Ok(letters(work.world, work.wall_ms))
            })
            .await;
        let (letters, pause) = match letters {
            Ok(found) => found,
            // Said in the log where it happened; the next round tries again.
            Err(_) => (Vec::new(), HEARTBEAT),
        };
        if letters.is_empty() {
            // Either way there may be something to do.
            let _ = timeout(pause, stripe.news().notified()).await;
            continue;
        }
        let mut sending = JoinSet::new();
        for letter in letters {
            let stripe = stripe.clone();
            sending.spawn(async move { post(&stripe, letter).await });
        }
        sending.join_all().await;
    }
}

/// The earliest due delivery of each endpoint, and how long to wait when there is none.
fn letters(world: &mut World, wall_ms: i64) -> (Vec<Letter>, Duration) {
    let mut switches = world.get::<Switches>(Switches::ID).cloned().unwrap_or_default();
    if switches.hold {
        return (Vec::new(), HEARTBEAT);
    }
    let endpoints: Vec<WebhookEndpoint> = world.all::<WebhookEndpoint>().cloned().collect();
    let before = switches.clone();
    let mut found = Vec::new();
    let mut pause = HEARTBEAT;
    for endpoint in endpoints {
        let next = world
            .all::<Delivery>()
            .filter(|delivery| delivery.endpoint == endpoint.id && delivery.state == DeliveryState::Waiting)
            .min_by_key(|delivery| delivery.due_ms);
        let Some(delivery) = next else {
            continue;
        };
        if delivery.due_ms > wall_ms {
            let wait = u64::try_from(delivery.due_ms.saturating_sub(wall_ms)).unwrap_or_default();
            pause = pause.min(Duration::from_millis(wait));
            continue;
        }
        let Some(event) = world.get::<Event>(&delivery.event) else {
            continue;
        };
        let body = render::event(world, event).to_string();
        found.push(Letter {
            delivery: delivery.id.clone(),
            url: endpoint.url.clone(),
            // Signed anew with the wall clock at every attempt, as receivers refuse old signatures.
            signature: signature(&endpoint.secret, wall_ms.div_euclid(1000), &body),
            body,
            fate: fate(&mut switches),
        });
    }
    if switches != before {
        world.put(switches);
    }
    (found, pause)
}

fn fate(switches: &mut Switches) -> Fate {
    if switches.fail > 0 {
        switches.fail -= 1;
        Fate::NotSent
    } else if switches.lose_answer > 0 {
        switches.lose_answer -= 1;
        Fate::AnswerLost
    } else {
        Fate::Sent
    }
}

async fn post(stripe: &Stripe, letter: Letter) {
    let answer = match letter.fate {
        Fate::NotSent => Err("a switch keeps it from being sent".to_owned()),
        Fate::Sent | Fate::AnswerLost => {
            let sent = stripe
                .client()
                .post(&letter.url)
                .header("content-type", "application/json; charset=utf-8")
                .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
                .header("stripe-signature", &letter.signature)
                .body(letter.body)
                .send()
                .await;
            match (sent, letter.fate) {
                (Ok(_), Fate::AnswerLost) => Err("a switch loses the answer".to_owned()),
                (Ok(response), _) => Ok(response.status().as_u16()),
                (Err(error), _) => Err(reason(&error)),
            }
        }
    };
    let written = stripe
        .run(String::new(), Cause::default(), move |work| {
            let retries = work.rules.webhook_retry_ms.clone();
            settle(work.world, &letter.delivery, answer, work.wall_ms, &retries)
        })
        .await;
    if let Err(failure) = written {
        // It stays due and is sent again: at least once is what webhooks promise.
        tracing::error!(error = failure.message(), "a delivery could not be written down");
        tokio::time::sleep(HEARTBEAT).await;
    }
}

fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        format!("no answer within {} s", PATIENCE.as_secs())
    } else if error.is_connect() {
        "nobody listens there".to_owned()
    } else {
        "the connection broke off".to_owned()
    }
}

/// Writes down how an attempt went.
fn settle(
    world: &mut World,
    id: &str,
    answer: Result<u16, String>,
    wall_ms: i64,
    retries: &[i64],
) -> Result<(), Failure> {
    // A reset may have removed it meanwhile.
    let Some(mut delivery) = world.get::<Delivery>(id).cloned() else {
        return Ok(());
    };
    let delivered = answer.as_ref().is_ok_and(|status| (200..300).contains(status));
    let (status, error) = match answer {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(error)),
    };
    delivery.attempts.push(Attempt {
        at_ms: wall_ms,
        status,
        error,
    });
    match retries.get(delivery.attempts.len() - 1) {
        _ if delivered => delivery.state = DeliveryState::Delivered,
        Some(pause) => delivery.due_ms = wall_ms + pause,
        None => delivery.state = DeliveryState::GivenUp,
    }
    world.put(delivery);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_end() {
        let mut world = World::new(Some(1));
        world.put(Delivery {
            id: "whd_1".to_owned(),
            event: "evt_1".to_owned(),
            endpoint: "we_1".to_owned(),
            due_ms: 0,
            state: DeliveryState::Waiting,
            attempts: Vec::new(),
            copy: false,
        });
        let retries = [10, 20];
        // Answer, time, and then: state and due.
        let cases = [
            (Ok(500), 100, DeliveryState::Waiting, 110),
            (Err("nobody".to_owned()), 200, DeliveryState::Waiting, 220),
            (Ok(301), 300, DeliveryState::GivenUp, 220),
        ];
        for (answer, at, state, due) in cases {
            settle(&mut world, "whd_1", answer, at, &retries).unwrap();
            let delivery = world.get::<Delivery>("whd_1").unwrap();
            assert_eq!((delivery.state, delivery.due_ms), (state, due), "{at}");
        }
        settle(&mut world, "whd_1", Ok(204), 400, &retries).unwrap();
        assert_eq!(
            world.get::<Delivery>("whd_1").unwrap().state,
            DeliveryState::Delivered
        );
    }

    #[test]
    fn switches_count_down() {
        let mut switches = Switches {
            fail: 1,
            lose_answer: 1,
            ..Switches::default()
        };
        let fates: Vec<Fate> = (0..3).map(|_| fate(&mut switches)).collect();
        assert_eq!(fates, [Fate::NotSent, Fate::AnswerLost, Fate::Sent]);
    }
}
