//! What the scripted person does at Stripe: completes Checkout, and leaves a card.

use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::stage::{STRIPE, Stage, Trouble, at, json};

/// A card that works.
const CARD: &str = "pm_card_visa";

/// Presses the button of the hosted page, and tells where it leads back to.
pub(super) async fn complete_checkout(stage: &Stage, page: &str) -> Result<Url, Trouble> {
    let mut page =
        Url::parse(page).map_err(|_| Trouble::Page(format!("Checkout led to {page}, which is no URL")))?;
    // The page has a name of its own, so that it is another site; the stand-in listens under its address.
    let _ = page.set_host(stage.stripe.host_str());
    let sent = stage
        .client
        .post(page)
        .header("accept", "text/html")
        .form(&[("email", "")])
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
    let mut customers = at(&stage.stripe, "/v1/customers");
    customers.query_pairs_mut().append_pair("email", email);
    let key = stage.stripe_key.expose_secret();
    let found = json(STRIPE, stage.client.get(customers).bearer_auth(key)).await?;
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
