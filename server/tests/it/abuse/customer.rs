//! Item 16: a changed mail address is written to Stripe's customer.

use serde_json::Value;
use uuid::Uuid;

use crate::browser::PASSWORD;
use crate::mails::follow;
use crate::support::{TestApp, until};

#[tokio::test]
async fn a_confirmed_address_reaches_stripes_customer() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let click = Uuid::from_u128(16).to_string();
    let checkout = browser
        .submit("/pricing", &[("form", click.as_str()), ("interval", "month")])
        .await;
    let (_, page) = checkout.redirect();
    let stripe = page.split("/c/pay/").next().unwrap().to_owned();
    let emails = async || {
        let customers = reqwest::Client::new()
            .get(format!("{stripe}/v1/customers"))
            .bearer_auth("sk_test_seamline_local");
        let list: Value = customers.send().await.unwrap().json().await.unwrap();
        let list = list["data"].as_array().unwrap().clone();
        list.iter()
            .map(|customer| customer["email"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(emails().await, ["ada@example.com"]);

    let fields = [("email", "new@example.com"), ("current_password", PASSWORD)];
    browser.submit("/settings/email", &fields).await;
    let link = app
        .link_in("new@example.com", "Confirm your new email address")
        .await;
    assert_eq!(emails().await, ["ada@example.com"], "it is not confirmed yet");
    follow(&mut browser, &link).await;
    assert_eq!(browser.submit("/verify", &[]).await.status, 303);
    until("Stripe has the new address", async || {
        (emails().await == ["new@example.com"]).then_some(())
    })
    .await;
}
