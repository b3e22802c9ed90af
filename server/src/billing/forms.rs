//! The forms of the pricing and the billing page. They are posted with and without script alike: what a script adds is only
//! that the click is on its way to Amplitude before the page is left.

use ::forms::Faults;
use app::billing::{Action, BillingForm, verbs};
use app::visit::Visit;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use tracking::Interval;
use uuid::Uuid;

use crate::forms::{Pairs, show_again};
use crate::state::AppState;

/// `POST /pricing`: to Stripe's Checkout page.
pub async fn checkout(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let pairs = Pairs::read(&body);
    let interval = match pairs.text("interval").as_str() {
        "year" => Interval::Year,
        _ => Interval::Month,
    };
    let led_to = verbs::start_checkout(&visit, interval, click(&pairs)).await;
    answer(state, parts, BillingForm { interval }, led_to).await
}

/// `POST /billing`: whatever the account's subscription is asked to do.
pub async fn change(
    State(state): State<AppState>,
    Extension(visit): Extension<Visit>,
    parts: Parts,
    body: String,
) -> Response {
    let pairs = Pairs::read(&body);
    let led_to = match Action::parse(&pairs.text("action")) {
        Some(action) => verbs::change(&visit, action, click(&pairs)).await,
        None => Ok("/billing".to_owned()),
    };
    answer(state, parts, BillingForm::default(), led_to).await
}

/// A form without its ID was not made by our page; it is a click all the same.
fn click(pairs: &Pairs) -> Uuid {
    Uuid::parse_str(&pairs.text("form")).unwrap_or_else(|_| backend::ids::random())
}

async fn answer(
    state: AppState,
    parts: Parts,
    form: BillingForm,
    led_to: Result<String, Faults>,
) -> Response {
    match led_to {
        Ok(url) => Redirect::to(&url).into_response(),
        Err(faults) => show_again(state, parts, form, faults, None).await,
    }
}
