//! What the scripted user does at Stripe (completes Checkout, adds a card), and what Stripe knows about the user.

use http::header::ACCEPT;
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use crate::environment::LabEnvironment;
use crate::error::ScenarioError;
use crate::stand_ins::{STRIPE, at, json};

/// A card that works.
const CARD: &str = "pm_card_visa";

/// The same card as input of Checkout's form.
const CARD_INPUT: [(&str, &str); 4] = [
    ("cardNumber", "4242 4242 4242 4242"),
    ("cardExpiry", "12 / 34"),
    ("cardCvc", "123"),
    ("billingName", "Scripted user"),
];

/// Submits the hosted page, with a card if `with_card`. Returns the URL that it redirects to.
pub(crate) async fn complete_checkout(
    environment: &LabEnvironment,
    page: &str,
    with_card: bool,
) -> Result<Url, ScenarioError> {
    let mut page = Url::parse(page).map_err(|_| {
        ScenarioError::UnexpectedPage("the pricing form does not redirect to Checkout".to_owned())
    })?;
    // The page has another host name, so that browsers treat it as another site. The stand-in listens on its own address.
    let _ = page.set_host(environment.stripe.host_str());
    let mut fields = vec![("email", "")];
    if with_card {
        fields.extend(CARD_INPUT);
    }
    let request = environment.client.post(page).header(ACCEPT, http_browser::HTML);
    let response = request.form(&fields).send().await;
    let response = response.map_err(|error| ScenarioError::Unreachable {
        service: STRIPE,
        error: error.without_url(),
    })?;
    let location = response.headers().get("location");
    let location = location
        .and_then(|value| value.to_str().ok())
        .and_then(|text| Url::parse(text).ok());
    location.ok_or_else(|| ScenarioError::UnexpectedStatus {
        request: "Checkout’s form".to_owned(),
        status: response.status().as_u16(),
    })
}

/// ID of the customer with that email address.
pub(crate) async fn customer(environment: &LabEnvironment, email: &str) -> Result<String, ScenarioError> {
    let found = get(environment, "/v1/customers", &[("email", email)]).await?;
    id_of(&found["data"][0])
}

/// Adds a card to the customer of that address, so that the end of the trial is paid.
pub(crate) async fn add_card(environment: &LabEnvironment, email: &str) -> Result<(), ScenarioError> {
    let customer = customer(environment, email).await?;
    let attach = format!("/v1/payment_methods/{CARD}/attach");
    let card = post(environment, &attach, &[("customer", &customer)]).await?;
    let card = id_of(&card)?;
    let fields = [("invoice_settings[default_payment_method]", card.as_str())];
    post(environment, &format!("/v1/customers/{customer}"), &fields).await?;
    Ok(())
}

/// When the newest event of Stripe was created, in seconds since the epoch by the wall clock.
pub(crate) async fn last_change_secs(environment: &LabEnvironment) -> Result<i64, ScenarioError> {
    let newest = get(environment, "/v1/events", &[("limit", "1")]).await?;
    Ok(newest["data"][0]["created"].as_i64().unwrap_or(0))
}

/// Sum of the paid invoices of the customer of that address, in minor units; 0 without a customer.
pub(crate) async fn paid_minor(environment: &LabEnvironment, email: &str) -> Result<i64, ScenarioError> {
    let customers = get(environment, "/v1/customers", &[("email", email)]).await?;
    let Ok(customer) = id_of(&customers["data"][0]) else {
        return Ok(0);
    };
    let query = [("customer", customer.as_str()), ("limit", "100")];
    let invoices = get(environment, "/v1/invoices", &query).await?;
    let invoices = invoices["data"].as_array().into_iter().flatten();
    Ok(invoices
        .filter_map(|invoice| invoice["amount_paid"].as_i64())
        .sum())
}

/// Whether every webhook was delivered, duplicates included.
pub(crate) async fn has_sent_all_webhooks(environment: &LabEnvironment) -> Result<bool, ScenarioError> {
    let url = at(&environment.stripe, "/_sim/webhooks");
    let webhooks = environment.get(STRIPE, url).await?;
    let mut deliveries = webhooks["deliveries"].as_array().into_iter().flatten();
    Ok(deliveries.all(|delivery| delivery["state"] != "waiting"))
}

async fn get(
    environment: &LabEnvironment,
    path: &str,
    query: &[(&str, &str)],
) -> Result<Value, ScenarioError> {
    let mut url = at(&environment.stripe, path);
    url.query_pairs_mut().extend_pairs(query);
    let key = environment.stripe_key.expose_secret();
    json(STRIPE, environment.client.get(url).bearer_auth(key)).await
}

async fn post(
    environment: &LabEnvironment,
    path: &str,
    form: &[(&str, &str)],
) -> Result<Value, ScenarioError> {
    let url = at(&environment.stripe, path);
    let key = environment.stripe_key.expose_secret();
    let request = environment.client.post(url).bearer_auth(key);
    json(STRIPE, request.form(form)).await
}

fn id_of(object: &Value) -> Result<String, ScenarioError> {
    let id = object["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| ScenarioError::UnexpectedPage("Stripe’s answer has no object".to_owned()))
}
