//! The lines between the app and the two stand-ins, on which a kill waits for its moment.
//!
//! A kill by the clock would mostly hit nothing. So the app, the stand-in for Stripe and the stand-in for Amplitude reach
//! each other through us: whatever passes is handed on as it is, unless a trap waits for it. Then it stops where it is
//! until the app is dead, and whoever sent it, if still alive, hears that nobody is there.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::plan::{Edge, Kill, Moment};

/// Larger than any webhook and any batch.
const MOST_BYTES: usize = 8 << 20;

/// To whom a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Stripe,
    App,
    Amplitude,
}

/// The three lines. They end with it.
pub(super) struct Wire {
    /// Where the app finds Stripe.
    pub(super) stripe: SocketAddr,
    /// Where Stripe finds the app.
    pub(super) webhooks: SocketAddr,
    /// Where the app finds Amplitude.
    pub(super) amplitude: SocketAddr,
    trap: Trap,
    _ended: tokio_util::sync::DropGuard,
}

/// Who is at the ends of the lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) stripe: SocketAddr,
    pub(super) app: SocketAddr,
    pub(super) amplitude: SocketAddr,
}

impl Wire {
    pub(super) async fn lay(ends: Ends, client: &Client) -> std::io::Result<Self> {
        let stop = CancellationToken::new();
        let trap = Trap::default();
        let lay = async |line, to| {
            let end = End {
                line,
                to,
                client: client.clone(),
                trap: trap.clone(),
            };
            end.serve(stop.clone()).await
        };
        Ok(Self {
            stripe: lay(Line::Stripe, ends.stripe).await?,
            webhooks: lay(Line::App, ends.app).await?,
            amplitude: lay(Line::Amplitude, ends.amplitude).await?,
            trap,
            _ended: stop.drop_guard(),
        })
    }

    /// Has the message of this kill wait for it.
    pub(super) fn arm(&self, kill: Kill) -> Armed {
        let (sprung, caught) = oneshot::channel();
        let (dead, buried) = oneshot::channel();
        *self.trap.lock() = Some(Waiting {
            kill,
            left: kill.nth.saturating_sub(1),
            sprung,
            buried,
        });
        Armed { caught, dead }
    }

    /// Somebody completed Stripe's page just now. A kill that waited for that is over when this returns.
    pub(super) async fn completed(&self) {
        if let Some(sprung) = self.trap.meets(|moment| moment == Moment::Completed) {
            sprung.until_dead().await;
        }
    }
}

/// A trap, from the hand that kills.
pub(super) struct Armed {
    caught: oneshot::Receiver<()>,
    dead: oneshot::Sender<()>,
}

impl Armed {
    /// Until the message is there.
    pub(super) async fn caught(&mut self) {
        // The sender is dropped with the wire only.
        let _ = (&mut self.caught).await;
    }

    /// The app is dead: what waited goes nowhere.
    pub(super) fn let_go(self) {
        // Nobody may be waiting any more: whoever sent the message was the app.
        let _ = self.dead.send(());
    }
}

struct Waiting {
    kill: Kill,
    /// Messages that are let through before.
    left: u64,
    sprung: oneshot::Sender<()>,
    buried: oneshot::Receiver<()>,
}

/// A trap that a message has met.
struct Sprung {
    edge: Edge,
    sprung: oneshot::Sender<()>,
    buried: oneshot::Receiver<()>,
}

impl Sprung {
    async fn until_dead(self) {
        let _ = self.sprung.send(());
        let _ = self.buried.await;
    }
}

#[derive(Clone, Default)]
struct Trap(Arc<Mutex<Option<Waiting>>>);

impl Trap {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trap, if it waits for such a message and for this one of them.
    fn meets(&self, is_such: impl FnOnce(Moment) -> bool) -> Option<Sprung> {
        let mut slot = self.lock();
        let waiting = slot.as_mut().filter(|waiting| is_such(waiting.kill.moment))?;
        if waiting.left > 0 {
            waiting.left -= 1;
            return None;
        }
        let waiting = slot.take()?;
        Some(Sprung {
            edge: waiting.kill.edge,
            sprung: waiting.sprung,
            buried: waiting.buried,
        })
    }
}

#[derive(Clone)]
struct End {
    line: Line,
    to: SocketAddr,
    client: Client,
    trap: Trap,
}

impl End {
    async fn serve(self, stop: CancellationToken) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(pass).with_state(self);
        tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stop.cancelled_owned())
                .await
        });
        Ok(address)
    }

    /// As it came, but for what belongs to the connection.
    async fn hand_on(&self, parts: &Parts, body: Bytes) -> Option<Response> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = parts.headers.clone();
        for of_the_connection in [
            header::HOST,
            header::CONNECTION,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
        ] {
            headers.remove(of_the_connection);
        }
        let answer = self
            .client
            .request(parts.method.clone(), format!("http://{}{path}", self.to))
            .headers(headers)
            .body(body)
            .send()
            .await
            .ok()?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::CONNECTION);
        let body = Body::from(answer.bytes().await.ok()?);
        Some((status, headers, body).into_response())
    }
}

async fn pass(State(end): State<End>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MOST_BYTES).await else {
        return nobody();
    };
    let met = end
        .trap
        .meets(|moment| is_of(moment, end.line, &parts.method, parts.uri.path(), &body));
    let Some(sprung) = met else {
        return end.hand_on(&parts, body).await.unwrap_or_else(nobody);
    };
    match sprung.edge {
        Edge::Before => sprung.until_dead().await,
        Edge::During => {
            tokio::join!(end.hand_on(&parts, body), sprung.until_dead());
        }
        Edge::After => {
            end.hand_on(&parts, body).await;
            sprung.until_dead().await;
        }
    }
    nobody()
}

/// What a line says when there is nobody at its other end.
fn nobody() -> Response {
    StatusCode::BAD_GATEWAY.into_response()
}

/// Whether this message is of that moment.
fn is_of(moment: Moment, line: Line, method: &Method, path: &str, body: &[u8]) -> bool {
    let of_a_subscription = path.starts_with("/v1/subscriptions/");
    match moment {
        Moment::Checkout => {
            line == Line::Stripe && *method == Method::POST && path == "/v1/checkout/sessions"
        }
        Moment::Completed => false,
        Moment::Webhook => line == Line::App,
        Moment::Asking => line == Line::Stripe && *method == Method::GET && of_a_subscription,
        Moment::Change => line == Line::Stripe && *method == Method::POST && of_a_subscription,
        Moment::Sending(event) => line == Line::Amplitude && holds(body, event.as_bytes()),
    }
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (Moment, Line, Method, &'a str, &'a [u8], bool);

    #[test]
    fn a_moment_knows_its_messages() {
        let trial = br#"{"events":[{"event_type":"Trial started"}]}"#;
        let rows: [Row<'_>; 9] = [
            (
                Moment::Checkout,
                Line::Stripe,
                Method::POST,
                "/v1/checkout/sessions",
                b"",
                true,
            ),
            (
                Moment::Checkout,
                Line::Stripe,
                Method::GET,
                "/v1/checkout/sessions",
                b"",
                false,
            ),
            (
                Moment::Asking,
                Line::Stripe,
                Method::GET,
                "/v1/subscriptions/sub_1",
                b"",
                true,
            ),
            (
                Moment::Asking,
                Line::Stripe,
                Method::POST,
                "/v1/subscriptions/sub_1",
                b"",
                false,
            ),
            (
                Moment::Change,
                Line::Stripe,
                Method::POST,
                "/v1/subscriptions/sub_1",
                b"",
                true,
            ),
            (
                Moment::Webhook,
                Line::App,
                Method::POST,
                "/webhooks/stripe",
                b"",
                true,
            ),
            (
                Moment::Sending("Trial started"),
                Line::Amplitude,
                Method::POST,
                "/2/httpapi",
                trial,
                true,
            ),
            (
                Moment::Sending("Trial converted"),
                Line::Amplitude,
                Method::POST,
                "/2/httpapi",
                trial,
                false,
            ),
            (
                Moment::Completed,
                Line::App,
                Method::POST,
                "/webhooks/stripe",
                b"",
                false,
            ),
        ];
        for (moment, line, method, path, body, expected) in rows {
            assert_eq!(
                is_of(moment, line, &method, path, body),
                expected,
                "{moment:?} {method} {path}"
            );
        }
    }

    #[test]
    fn a_trap_lets_the_earlier_ones_through_and_springs_once() {
        let trap = Trap::default();
        let (sprung, _caught) = oneshot::channel();
        let (_dead, buried) = oneshot::channel();
        *trap.lock() = Some(Waiting {
            kill: Kill {
                moment: Moment::Webhook,
                nth: 2,
                edge: Edge::After,
            },
            left: 1,
            sprung,
            buried,
        });
        assert!(trap.meets(|moment| moment == Moment::Asking).is_none());
        assert!(trap.meets(|moment| moment == Moment::Webhook).is_none());
        assert!(trap.meets(|moment| moment == Moment::Webhook).is_some());
        assert!(trap.meets(|_| true).is_none());
    }
}
