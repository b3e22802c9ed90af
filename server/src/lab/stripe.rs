//! What a person does at Stripe: completes Checkout, and leaves a card. And what Stripe knows of it.

use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::stage::{STRIPE, Stage, Trouble, at, json};

/// A card that works.
const CARD: &str = "pm_card_visa";

/// The same, typed into Checkout’s form.
const TYPED_CARD: [(&str, &str); 4] = [
    ("cardNumber", "4242 4242 4242 4242"),
    ("cardExpiry", "12 / 34"),
    ("cardCvc", "123"),
    ("billingName", "The scripted person"),
];

/// Presses the button of the hosted page, and tells where it leads back to. Who `pays` enters a card before.
pub(super) async fn complete_checkout(stage: &Stage, page: &str, pays: bool) -> Result<Url, Trouble> {
    let mut page =
        Url::parse(page).map_err(|_| Trouble::Page(format!("Checkout led to {page}, which is no URL")))?;
    // The page has a name of its own, so that it is another site; the stand-in listens under its address.
    let _ = page.set_host(stage.stripe.host_str());
    let mut fields = vec![("email", "")];
    if pays {
        fields.extend(TYPED_CARD);
    }
    let sent = stage
        .client
        .post(page)
        .header("accept", "text/html")
        .form(&fields)
        .send()
        .await;
    let answer = sent.map_err(|error| Trouble::Unreachable {
        who: STRIPE,
        error: error.without_url(),
    })?;
    let back = answer
        .headers()
        .get("location")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| Url::parse(text).ok());
    back.ok_or_else(|| Trouble::Answer {
        what: "Checkout’s button".to_owned(),
        status: answer.status().as_u16(),
    })
}

/// The customer of that address.
pub(super) async fn customer(stage: &Stage, email: &str) -> Result<String, Trouble> {
    let found = get(stage, "/v1/customers", &[("email", email)]).await?;
    id_of(&found["data"][0])
}

/// Gives the customer of that address a card, so that the trial's end takes money.
pub(super) async fn give_card(stage: &Stage, email: &str) -> Result<(), Trouble> {
    let customer = customer(stage, email).await?;
    let attach = at(&stage.stripe, &format!("/v1/payment_methods/{CARD}/attach"));
    let card = ask(stage, attach, &[("customer", &customer)]).await?;
    let change = at(&stage.stripe, &format!("/v1/customers/{customer}"));
    let card = id_of(&card)?;
    ask(
        stage,
        change,
        &[("invoice_settings[default_payment_method]", &card)],
    )
    .await?;
    Ok(())
}

/// The second in which something changed last, by the wall clock.
pub(super) async fn last_change(stage: &Stage) -> Result<i64, Trouble> {
    let newest = get(stage, "/v1/events", &[("limit", "1")]).await?;
    Ok(newest["data"][0]["created"].as_i64().unwrap_or(0))
}

/// What Stripe has of the customer of that address, in minor units; of nobody: nothing.
pub(super) async fn ledger(stage: &Stage, email: &str) -> Result<i64, Trouble> {
    let customers = get(stage, "/v1/customers", &[("email", email)]).await?;
    let Ok(customer) = id_of(&customers["data"][0]) else {
        return Ok(0);
    };
    let query = [("customer", customer.as_str()), ("limit", "100")];
    let invoices = get(stage, "/v1/invoices", &query).await?;
    let paid = |invoice: &Value| invoice["amount_paid"].as_i64();
    Ok(invoices["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(paid)
        .sum())
}

/// Whether every webhook has been taken, and copies of them too.
pub(super) async fn has_nothing_to_send(stage: &Stage) -> Result<bool, Trouble> {
    let webhooks = stage.read(STRIPE, at(&stage.stripe, "/_sim/webhooks")).await?;
    let mut deliveries = webhooks["deliveries"].as_array().into_iter().flatten();
    Ok(deliveries.all(|delivery| delivery["state"] != "waiting"))
}

async fn get(stage: &Stage, path: &str, query: &[(&str, &str)]) -> Result<Value, Trouble> {
    let mut url = at(&stage.stripe, path);
    url.query_pairs_mut().extend_pairs(query);
    let key = stage.stripe_key.expose_secret();
    json(STRIPE, stage.client.get(url).bearer_auth(key)).await
}

async fn ask(stage: &Stage, url: Url, form: &[(&str, &str)]) -> Result<Value, Trouble> {
    let request = stage
        .client
        .post(url)
        .bearer_auth(stage.stripe_key.expose_secret());
    json(STRIPE, request.form(form)).await
}

fn id_of(object: &Value) -> Result<String, Trouble> {
    let id = object["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| Trouble::Page("Stripe’s answer names no object".to_owned()))
}
