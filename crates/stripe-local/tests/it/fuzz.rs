//! Any request to the API, the pages and the controls gets a response that is not a failure of the stand-in.

use std::cell::{Cell, RefCell};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use serde_json::Value;
use stripe_local::{StripeStandIn, StripeStandInSettings, WallClock, open};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::test_server::{KEY, START_SECS};

/// A fresh stand-in replaces the one that has handled so many requests, because lists and states grow.
const REQUESTS_PER_STAND_IN: u32 = 300;

/// Requests that make the objects. Each response's ID replaces the name in braces from then on.
const SET_UP: [(&str, &str); 9] = [
    (
        "clock",
        "POST /v1/test_helpers/test_clocks frozen_time=1700000000",
    ),
    ("product", "POST /v1/products name=Pro&metadata[a]=b"),
    (
        "price",
        "POST /v1/prices product={product}&currency=usd&unit_amount=1200&lookup_key=pro&recurring[interval]=month&recurring[interval_count]=1",
    ),
    (
        "customer",
        "POST /v1/customers email=zoe@example.com&name=Zo%C3%AB&test_clock={clock}",
    ),
    (
        "card",
        "POST /v1/payment_methods/pm_card_visa/attach customer={customer}",
    ),
    (
        "subscription",
        "POST /v1/subscriptions customer={customer}&items[0][price]={price}&items[0][quantity]=2&default_payment_method={card}&trial_period_days=3&metadata[seam_user]=u",
    ),
    (
        "checkout",
        "POST /v1/checkout/sessions mode=subscription&success_url=http://localhost/ok&line_items[0][price]={price}&line_items[0][quantity]=1&subscription_data[trial_period_days]=3&expires_at=1700010000",
    ),
    (
        "portal",
        "POST /v1/billing_portal/sessions customer={customer}&return_url=http://localhost/&flow_data[type]=payment_method_update",
    ),
    (
        "endpoint",
        "POST /v1/webhook_endpoints url=http://127.0.0.1:9/hook&enabled_events[]=*",
    ),
];

/// Further requests to mutate, besides those of [`SET_UP`].
const REQUESTS: [&str; 26] = [
    "GET /v1/subscriptions?status=all&limit=3&created[gte]=1&expand[]=data.latest_invoice.payments&expand[]=data.customer ",
    "GET /v1/invoices?subscription={subscription}&status=paid&starting_after=in_1 ",
    "GET /v1/prices?lookup_keys[]=pro&active=true&expand[]=data.product ",
    "GET /v1/events?type=invoice.paid&limit=100 ",
    "GET /v1/customers/{customer}?expand[]=subscriptions.data.latest_invoice ",
    "POST /v1/customers/{customer} email=a@b.example&metadata=&invoice_settings[default_payment_method]={card}",
    "POST /v1/subscriptions/{subscription} cancel_at_period_end=true&cancellation_details[comment]=x",
    "POST /v1/subscriptions/{subscription} items[0][price]={price}&items[0][quantity]=1000000&proration_behavior=always_invoice&trial_end=now",
    "POST /v1/subscriptions/{subscription} cancel_at=4102444800&trial_end=1800000000",
    "POST /v1/subscriptions/{subscription}/pause ",
    "POST /v1/subscriptions/{subscription}/resume billing_cycle_anchor=now",
    "DELETE /v1/subscriptions/{subscription}?prorate=true ",
    "POST /v1/invoices/create_preview subscription={subscription}&subscription_details[items][0][price]={price}&subscription_details[proration_date]=1700000001",
    "POST /v1/prices product={product}&currency=jpy&unit_amount=99999999&recurring[interval]=day&recurring[interval_count]=1095",
    "POST /v1/test_helpers/test_clocks/{clock}/advance frozen_time=1702600000",
    "POST /v1/refunds payment_intent=pi_1&amount=1&reason=fraudulent",
    "POST /v1/payment_methods type=card&card[token]=tok_visa",
    "POST /v1/payment_methods type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2034&card[cvc]=123",
    "POST /v1/billing_portal/configurations features[subscription_update][enabled]=true&features[subscription_update][products][0][product]={product}&features[subscription_update][products][0][prices][]={price}&features[subscription_update][default_allowed_updates][]=price",
    "POST /c/pay/{checkout} email=a@b.example&cardNumber=4242424242424242&cardExpiry=12/34&cardCvc=123&billingName=Z",
    "POST /p/session/{portal}/cancel/{subscription} comment=bye&feedback=unused",
    "POST /p/session/{portal}/card cardNumber=4000000000000341&cardExpiry=0134&cardCvc=1",
    "GET /p/session/{portal} ",
    "POST /_sim/clock days=40",
    "POST /_sim/clock subscription={subscription}&until=trial_end",
    "POST /_sim/webhooks drop=1&delay_ms=5",
];
const TOKENS: [&str; 14] = [
    "&",
    "=",
    "[",
    "]",
    "[]",
    "[0]",
    "%",
    "true",
    "false",
    "now",
    "-",
    "expand[]=",
    "&limit=1",
    "/",
];

struct Target {
    runtime: Runtime,
    router: RefCell<Router>,
    requests: Cell<u32>,
}

impl Target {
    fn start() -> (Self, Vec<String>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let (router, corpus) = runtime.block_on(start());
        let target = Self {
            runtime,
            router: RefCell::new(router),
            requests: Cell::new(0),
        };
        (target, corpus)
    }

    /// Sends a request: method, path with query, and form, each separated by a space. Returns whether it succeeded.
    fn accepts(&self, input: &[u8]) -> bool {
        self.requests.set(self.requests.get() + 1);
        if self.requests.get().is_multiple_of(REQUESTS_PER_STAND_IN) {
            *self.router.borrow_mut() = self.runtime.block_on(start()).0;
        }
        let text = String::from_utf8_lossy(input);
        let router = self.router.borrow().clone();
        let Some((status, body)) = self.runtime.block_on(send(router, &text)) else {
            return false;
        };
        assert!(status < 500, "{status} {body}");
        if text
            .split(' ')
            .nth(1)
            .is_some_and(|path| path.starts_with("/v1/"))
        {
            serde_json::from_str::<Value>(&body).expect("the API responds with JSON");
        }
        status < 400
    }
}

async fn start() -> (Router, Vec<String>) {
    let stand_in = open(StripeStandInSettings {
        clock: WallClock::from_fn(|| START_SECS * 1_000),
        seed: Some(1),
        ..StripeStandInSettings::default()
    })
    .await
    .expect("the stand-in opens");
    set_up(stand_in).await
}

/// Makes the objects. Their IDs are the same in each stand-in, because the seed is.
async fn set_up(stand_in: StripeStandIn) -> (Router, Vec<String>) {
    let router = stand_in.router();
    let mut ids: Vec<(String, String)> = Vec::new();
    let named = |text: &str, ids: &[(String, String)]| {
        ids.iter()
            .fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    };
    let mut corpus = Vec::new();
    for (name, request) in SET_UP {
        let request = named(request, &ids);
        let (status, body) = send(router.clone(), &request).await.expect("a valid request");
        assert_eq!(status, 200, "{request}: {body}");
        let object: Value = serde_json::from_str(&body).expect("JSON");
        ids.push((
            format!("{{{name}}}"),
            object["id"].as_str().expect("an ID").to_owned(),
        ));
        corpus.push(request);
    }
    corpus.extend(REQUESTS.iter().map(|request| named(request, &ids)));
    (router, corpus)
}

async fn send(router: Router, text: &str) -> Option<(u16, String)> {
    let mut parts = text.splitn(3, ' ');
    let (method, path, form) = (parts.next()?, parts.next()?, parts.next()?);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .ok()?;
    let response = router.oneshot(request).await.expect("the router does not fail");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}

#[test]
fn stripe_requests() {
    let (target, corpus) = Target::start();
    fuzzing::fuzz("stripe_requests", &TOKENS, &corpus, |input| target.accepts(input));
}
