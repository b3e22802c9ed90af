//! From the price list to a trial that starts in Checkout.

use reqwest::Method;
use stripe_billing::subscription::RetrieveSubscription;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionPaymentMethodCollection,
    CreateCheckoutSessionSubscriptionData, CreateCheckoutSessionSubscriptionDataTrialSettings,
    CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehavior,
    CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehaviorMissingPaymentMethod as MissingPaymentMethod,
    ExpireCheckoutSession, ListCheckoutSession, ListLineItemsCheckoutSession, RetrieveCheckoutSession,
};
use stripe_product::price::ListPrice;
use stripe_shared::{
    CheckoutSession, CheckoutSessionMode, CheckoutSessionPaymentStatus, CheckoutSessionStatus,
    SubscriptionStatus,
};
use stripe_webhook::{EventObject, Webhook};

use super::{client, customer, prices};
use crate::{
    receiver::SECRET,
    test_server::{DAY_SECS, TestServer},
};

/// A three-day trial as the application requests it: without a card, and canceled if none is added.
fn trial(customer: &str, price: &str) -> CreateCheckoutSession {
    let mut line = CreateCheckoutSessionLineItems::new();
    line.price = Some(price.to_owned());
    line.quantity = Some(1);
    let mut data = CreateCheckoutSessionSubscriptionData::new();
    data.trial_period_days = Some(3);
    data.trial_settings = Some(CreateCheckoutSessionSubscriptionDataTrialSettings::new(
        CreateCheckoutSessionSubscriptionDataTrialSettingsEndBehavior::new(MissingPaymentMethod::Cancel),
    ));
    data.metadata = Some([("seam_user".to_owned(), "user-1".to_owned())].into());
    CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Subscription)
        .customer(customer)
        .client_reference_id("user-1")
        .line_items(vec![line])
        .payment_method_collection(CreateCheckoutSessionPaymentMethodCollection::IfRequired)
        .subscription_data(data)
        .success_url("http://127.0.0.1:3000/return?session={CHECKOUT_SESSION_ID}")
        .cancel_url("http://127.0.0.1:3000/pricing")
}

/// Submits the hosted page as a browser does. Returns the redirect location.
async fn submit(server: &TestServer, session: &CheckoutSession) -> String {
    let url = session.url.as_deref().expect("an open session has a page");
    let path = url.split_once("/c/").expect("a path").1;
    let response = server
        .request(Method::POST, &format!("/c/{path}"), &[("email", "")])
        .send()
        .await
        .expect("a response");
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().expect("text").to_owned()
}

#[tokio::test]
async fn a_trial_starts_without_a_card() {
    let server = TestServer::start_with_system_clock().await;
    let client = client(&server);
    prices(&client).await;
    let found = ListPrice::new()
        .active(true)
        .lookup_keys(vec!["pro_monthly".to_owned(), "pro_yearly".to_owned()])
        .expand(vec!["data.product".to_owned()])
        .send(&client)
        .await
        .expect("prices");
    let keys: Vec<_> = found
        .data
        .iter()
        .filter_map(|price| price.lookup_key.as_deref())
        .collect();
    assert_eq!(keys, ["pro_yearly", "pro_monthly"]);
    assert_eq!(
        found.data[1]
            .product
            .as_object()
            .map(|product| product.name.as_str()),
        Some("Pro")
    );
    let customer = customer(&client, "").await;
    let session = trial(customer.id.as_str(), found.data[1].id.as_str())
        .send(&client)
        .await
        .expect("a session");
    assert_eq!(session.status, Some(CheckoutSessionStatus::Open));

    let location = submit(&server, &session).await;
    assert_eq!(
        location,
        format!("http://127.0.0.1:3000/return?session={}", session.id)
    );
    let completed = RetrieveCheckoutSession::new(session.id.clone())
        .expand(
            ["subscription", "line_items", "customer", "invoice"]
                .map(str::to_owned)
                .to_vec(),
        )
        .send(&client)
        .await
        .expect("the session");
    assert_eq!(completed.status, Some(CheckoutSessionStatus::Complete));
    assert_eq!(
        completed.payment_status,
        CheckoutSessionPaymentStatus::NoPaymentRequired
    );
    let lines = ListLineItemsCheckoutSession::new(session.id.clone())
        .send(&client)
        .await
        .expect("lines");
    assert_eq!(lines.data.len(), 1);
    assert_eq!(lines.data[0].amount_total, 0);
    let subscription = completed.subscription.expect("a subscription");
    assert!(subscription.is_object());
    let subscription = RetrieveSubscription::new(subscription.id().clone())
        .send(&client)
        .await
        .expect("the subscription");
    assert_eq!(subscription.status, SubscriptionStatus::Trialing);
    assert_eq!(subscription.metadata["seam_user"], "user-1");
    let end = subscription.trial_end.expect("a trial's end");
    assert_eq!(
        end - subscription.trial_start.expect("a trial's start"),
        3 * DAY_SECS
    );
    assert_eq!(subscription.items.data[0].current_period_end, end);
    let listed = ListCheckoutSession::new()
        .customer(customer.id.as_str())
        .status(CheckoutSessionStatus::Complete)
        .send(&client)
        .await
        .expect("sessions");
    assert_eq!(listed.data.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn an_open_session_is_expired() {
    let server = TestServer::start().await;
    let client = client(&server);
    let (monthly, _) = prices(&client).await;
    let customer = customer(&client, "").await;
    let session = trial(customer.id.as_str(), monthly.id.as_str())
        .send(&client)
        .await
        .expect("a session");
    let expired = ExpireCheckoutSession::new(session.id)
        .send(&client)
        .await
        .expect("the session");
    assert_eq!(expired.status, Some(CheckoutSessionStatus::Expired));
    server.stop().await;
}

/// Uses the system clock and `construct_event`, as the application's webhook route does.
#[tokio::test]
async fn webhooks_are_accepted_with_the_system_clock() {
    let server = TestServer::start_with_system_clock().await;
    let client = client(&server);
    let created = customer(&client, "pm_card_visa").await;
    let (body, signature) = server.hooks.first_delivery("customer.created").await;
    let event = Webhook::construct_event(&body, &signature, SECRET).expect("an event");
    let EventObject::CustomerCreated(customer) = event.data.object else {
        panic!("{:?}", event.type_);
    };
    assert_eq!(customer.id, created.id);
    assert!(Webhook::construct_event(&body, &signature, "whsec_other").is_err());
    server.stop().await;
}
