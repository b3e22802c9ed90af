//! Cards, intents, failed charges and refunds with async-stripe.

use stripe::{IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_billing::{invoice::PayInvoice, subscription::RetrieveSubscription};
use stripe_core::{
    charge::{ListCharge, RetrieveCharge},
    customer::{ListPaymentMethodsCustomer, UpdateCustomer, UpdateCustomerInvoiceSettings},
    payment_intent::{ListPaymentIntent, RetrievePaymentIntent},
    refund::{CreateRefund, CreateRefundReason, RetrieveRefund},
    setup_intent::{CreateSetupIntent, RetrieveSetupIntent},
};
use stripe_payment::payment_method::{AttachPaymentMethod, DetachPaymentMethod, RetrievePaymentMethod};
use stripe_shared::{
    ApiErrorsCode, ApiErrorsType, ChargeStatus, InvoiceStatus, PaymentIntentStatus, SetupIntentStatus,
    SubscriptionStatus,
};

use super::{client, customer, prices, subscription::new};
use crate::test_server::TestServer;

#[tokio::test]
async fn a_payment_is_refunded() {
    let server = TestServer::start().await;
    let client = client(&server);
    let (monthly, _) = prices(&client).await;
    let customer = customer(&client, "pm_card_visa").await;
    new(customer.id.as_str(), monthly.id.as_str())
        .send(&client)
        .await
        .expect("a subscription");
    let intents = ListPaymentIntent::new()
        .customer(customer.id.as_str())
        .send(&client)
        .await
        .expect("intents");
    let intent = RetrievePaymentIntent::new(intents.data[0].id.clone())
        .expand(vec!["latest_charge".to_owned(), "payment_method".to_owned()])
        .send(&client)
        .await
        .expect("the intent");
    assert_eq!(
        (intent.status, intent.amount_received),
        (PaymentIntentStatus::Succeeded, 1200)
    );
    let charges = ListCharge::new()
        .payment_intent(intent.id.as_str())
        .send(&client)
        .await
        .expect("charges");
    let charge = &charges.data[0];
    assert_eq!(
        intent.latest_charge.map(|one| one.id().clone()),
        Some(charge.id.clone())
    );
    let refund = CreateRefund::new()
        .charge(charge.id.as_str())
        .amount(500)
        .reason(CreateRefundReason::RequestedByCustomer)
        .customize()
        .request_strategy(RequestStrategy::Idempotent(
            IdempotencyKey::new("refund-1").expect("a key"),
        ))
        .send(&client)
        .await
        .expect("a refund");
    assert_eq!(
        (refund.amount, refund.status.as_deref()),
        (500, Some("succeeded"))
    );
    let charge = RetrieveCharge::new(charge.id.clone())
        .expand(vec!["refunds".to_owned()])
        .send(&client)
        .await
        .expect("the charge");
    assert_eq!((charge.amount_refunded, charge.refunded), (500, false));
    let failed = format!("refunds/{}/fail", refund.id);
    server.control(&failed, serde_json::json!({})).await;
    let refund = RetrieveRefund::new(refund.id)
        .send(&client)
        .await
        .expect("the refund");
    assert_eq!(refund.status.as_deref(), Some("failed"));
    server.stop().await;
}

#[tokio::test]
async fn another_card_pays_after_a_failure() {
    let server = TestServer::start().await;
    let client = client(&server);
    let (monthly, _) = prices(&client).await;
    let customer = customer(&client, "pm_card_chargeCustomerFail").await;
    let created = new(customer.id.as_str(), monthly.id.as_str())
        .trial_period_days(3_u32)
        .send(&client)
        .await
        .expect("a subscription");
    server.advance_until(created.id.as_str(), "payment").await;
    let past_due = RetrieveSubscription::new(created.id.clone())
        .expand(vec!["latest_invoice".to_owned()])
        .send(&client)
        .await
        .expect("the subscription");
    assert_eq!(past_due.status, SubscriptionStatus::PastDue);
    let invoice = past_due.latest_invoice.expect("an invoice");
    let invoice = invoice.as_object().expect("expanded");
    assert_eq!(
        (invoice.status.clone(), invoice.attempt_count),
        (Some(InvoiceStatus::Open), 1)
    );
    let charges = ListCharge::new()
        .customer(customer.id.as_str())
        .send(&client)
        .await
        .expect("charges");
    assert_eq!(charges.data[0].status, ChargeStatus::Failed);
    let id = invoice.id.clone().expect("an ID");
    match PayInvoice::new(id.clone()).send(&client).await {
        Err(StripeError::Stripe(error, 402)) => {
            assert_eq!(
                (error.type_, error.code),
                (ApiErrorsType::CardError, Some(ApiErrorsCode::CardDeclined))
            );
        }
        other => panic!("{other:?}"),
    }

    // Adds another card with a setup intent, as the hosted pages do.
    let intent = CreateSetupIntent::new()
        .customer(customer.id.as_str())
        .payment_method("pm_card_mastercard")
        .confirm(true)
        .send(&client)
        .await
        .expect("a setup intent");
    assert_eq!(intent.status, SetupIntentStatus::Succeeded);
    let intent = RetrieveSetupIntent::new(intent.id)
        .send(&client)
        .await
        .expect("the intent");
    let method = intent.payment_method.expect("a card").id().clone();
    let mut settings = UpdateCustomerInvoiceSettings::new();
    settings.default_payment_method = Some(method.to_string());
    UpdateCustomer::new(customer.id.clone())
        .invoice_settings(settings)
        .send(&client)
        .await
        .expect("a change");
    let paid = PayInvoice::new(id).send(&client).await.expect("a payment");
    assert_eq!(paid.status, Some(InvoiceStatus::Paid));
    let again = RetrieveSubscription::new(created.id)
        .send(&client)
        .await
        .expect("the subscription");
    assert_eq!(again.status, SubscriptionStatus::Active);
    server.stop().await;
}

#[tokio::test]
async fn cards_are_attached_and_detached() {
    let server = TestServer::start().await;
    let client = client(&server);
    let customer = customer(&client, "").await;
    let attached = AttachPaymentMethod::new("pm_card_visa")
        .customer(customer.id.as_str())
        .send(&client)
        .await
        .expect("a card");
    let method = RetrievePaymentMethod::new(attached.id.clone())
        .send(&client)
        .await
        .expect("the card");
    assert_eq!(method.card.map(|card| card.last4), Some("4242".to_owned()));
    let cards = ListPaymentMethodsCustomer::new(customer.id.clone())
        .send(&client)
        .await
        .expect("cards");
    assert_eq!(cards.data.len(), 1);
    let detached = DetachPaymentMethod::new(attached.id)
        .send(&client)
        .await
        .expect("a card");
    assert!(detached.customer.is_none());
    server.stop().await;
}
