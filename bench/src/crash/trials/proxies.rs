//! HTTP proxies between the app and the two stand-ins, on which a kill waits for its message.
//!
//! A kill at a fixed time would rarely meet a message. So the app and the stand-ins reach each other through these
//! proxies. They forward every message unchanged, except the one at the breakpoint: it is held until the app is dead,
//! and answered 502.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Client;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::breakpoint::{Breakpoint, KillTrigger};
use super::plan::{KillPoint, KillTiming, TrialKill};

/// Limit for a body; larger than any webhook and any batch.
const MAX_BODY_BYTES: usize = 8 << 20;

/// The receiver of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upstream {
    Stripe,
    App,
    Amplitude,
}

/// The three proxies. They stop when this is dropped.
pub(super) struct Proxies {
    /// The address of Stripe for the app.
    pub(super) stripe: SocketAddr,
    /// The address of the app for Stripe's webhooks.
    pub(super) webhooks: SocketAddr,
    /// The address of Amplitude for the app.
    pub(super) amplitude: SocketAddr,
    breakpoint: Breakpoint,
    _stop: DropGuard,
}

/// The addresses of the processes behind the proxies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upstreams {
    pub(super) stripe: SocketAddr,
    pub(super) app: SocketAddr,
    pub(super) amplitude: SocketAddr,
}

impl Proxies {
    /// Starts the proxies. Fails when no port is free.
    pub(super) async fn start(upstreams: Upstreams, client: &Client) -> std::io::Result<Self> {
        let stop = CancellationToken::new();
        let breakpoint = Breakpoint::default();
        let start = async |upstream, address| {
            let proxy = Proxy {
                upstream,
                address,
                client: client.clone(),
                breakpoint: breakpoint.clone(),
            };
            proxy.serve(stop.clone()).await
        };
        Ok(Self {
            stripe: start(Upstream::Stripe, upstreams.stripe).await?,
            webhooks: start(Upstream::App, upstreams.app).await?,
            amplitude: start(Upstream::Amplitude, upstreams.amplitude).await?,
            breakpoint,
            _stop: stop.drop_guard(),
        })
    }

    /// Arms the breakpoint for a kill.
    pub(super) fn arm(&self, kill: TrialKill) -> KillTrigger {
        self.breakpoint.arm(kill)
    }

    /// Reports that a user has completed Stripe's page. Returns after the kill if one waits for that.
    pub(super) async fn checkout_completed(&self) {
        let hit = self
            .breakpoint
            .check(|point| point == KillPoint::CheckoutCompletion);
        if let Some(hit) = hit {
            hit.wait_until_killed().await;
        }
    }
}

#[derive(Clone)]
struct Proxy {
    upstream: Upstream,
    address: SocketAddr,
    client: Client,
    breakpoint: Breakpoint,
}

impl Proxy {
    async fn serve(self, stop: CancellationToken) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(handle).with_state(self);
        tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stop.cancelled_owned())
                .await
        });
        Ok(address)
    }

    /// Forwards a request without its connection headers; returns `None` without an answer.
    async fn forward(&self, parts: &Parts, body: Bytes) -> Option<Response> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = parts.headers.clone();
        for connection_header in [
            header::HOST,
            header::CONNECTION,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
        ] {
            headers.remove(connection_header);
        }
        let answer = self
            .client
            .request(parts.method.clone(), format!("http://{}{path}", self.address))
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

async fn handle(State(proxy): State<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return bad_gateway();
    };
    let hit = proxy
        .breakpoint
        .check(|point| is_message_of(point, proxy.upstream, &parts.method, parts.uri.path(), &body));
    let Some(hit) = hit else {
        return proxy.forward(&parts, body).await.unwrap_or_else(bad_gateway);
    };
    match hit.timing {
        KillTiming::BeforeArrival => hit.wait_until_killed().await,
        KillTiming::DuringHandling => {
            tokio::join!(proxy.forward(&parts, body), hit.wait_until_killed());
        }
        KillTiming::AfterAnswer => {
            proxy.forward(&parts, body).await;
            hit.wait_until_killed().await;
        }
    }
    bad_gateway()
}

fn bad_gateway() -> Response {
    StatusCode::BAD_GATEWAY.into_response()
}

/// Whether a message belongs to a kill point.
fn is_message_of(point: KillPoint, upstream: Upstream, method: &Method, path: &str, body: &[u8]) -> bool {
    let is_subscription = path.starts_with("/v1/subscriptions/");
    match point {
        KillPoint::CheckoutCreation => {
            upstream == Upstream::Stripe && *method == Method::POST && path == "/v1/checkout/sessions"
        }
        KillPoint::CheckoutCompletion => false,
        KillPoint::Webhook => upstream == Upstream::App,
        KillPoint::SubscriptionRead => {
            upstream == Upstream::Stripe && *method == Method::GET && path == "/v1/subscriptions"
        }
        KillPoint::SubscriptionChange => {
            upstream == Upstream::Stripe && *method == Method::POST && is_subscription
        }
        KillPoint::Delivery(event) => upstream == Upstream::Amplitude && contains(body, event.as_bytes()),
    }
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (KillPoint, Upstream, Method, &'a str, &'a [u8], bool);

    #[test]
    fn each_kill_point_matches_its_messages() {
        let trial = br#"{"events":[{"event_type":"Trial started"}]}"#;
        let rows: [Row<'_>; 9] = [
            (
                KillPoint::CheckoutCreation,
                Upstream::Stripe,
                Method::POST,
                "/v1/checkout/sessions",
                b"",
                true,
            ),
            (
                KillPoint::CheckoutCreation,
                Upstream::Stripe,
                Method::GET,
                "/v1/checkout/sessions",
                b"",
                false,
            ),
            (
                KillPoint::SubscriptionRead,
                Upstream::Stripe,
                Method::GET,
                "/v1/subscriptions",
                b"",
                true,
            ),
            (
                KillPoint::SubscriptionRead,
                Upstream::Stripe,
                Method::POST,
                "/v1/subscriptions/sub_1",
                b"",
                false,
            ),
            (
                KillPoint::SubscriptionChange,
                Upstream::Stripe,
                Method::POST,
                "/v1/subscriptions/sub_1",
                b"",
                true,
            ),
            (
                KillPoint::Webhook,
                Upstream::App,
                Method::POST,
                "/webhooks/stripe",
                b"",
                true,
            ),
            (
                KillPoint::Delivery("Trial started"),
                Upstream::Amplitude,
                Method::POST,
                "/2/httpapi",
                trial,
                true,
            ),
            (
                KillPoint::Delivery("Trial converted"),
                Upstream::Amplitude,
                Method::POST,
                "/2/httpapi",
                trial,
                false,
            ),
            (
                KillPoint::CheckoutCompletion,
                Upstream::App,
                Method::POST,
                "/webhooks/stripe",
                b"",
                false,
            ),
        ];
        for (point, upstream, method, path, body, expected) in rows {
            assert_eq!(
                is_message_of(point, upstream, &method, path, body),
                expected,
                "{point:?} {method} {path}"
            );
        }
    }
}
