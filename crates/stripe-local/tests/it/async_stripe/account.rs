//! Portal, catalog, test clocks, event pages, deleted customers, errors and idempotency keys.

use futures::TryStreamExt;
use stripe::{IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_billing::{
    billing_portal_configuration::{
        CreateBillingPortalConfiguration, CreateBillingPortalConfigurationFeatures,
        CreateBillingPortalConfigurationFeaturesSubscriptionCancel, InvoiceListParam,
        ListBillingPortalConfiguration, PaymentMethodUpdateParam,
    },
    billing_portal_session::{
        CreateBillingPortalSession, CreateBillingPortalSessionFlowData,
        CreateBillingPortalSessionFlowDataType,
    },
    test_helpers_test_clock::{
        AdvanceTestHelpersTestClock, CreateTestHelpersTestClock, DeleteTestHelpersTestClock,
        RetrieveTestHelpersTestClock,
    },
};
use stripe_core::{
    customer::{CreateCustomer, DeleteCustomer, ListCustomer, RetrieveCustomer, RetrieveCustomerReturned},
    event::{ListEvent, RetrieveEvent},
};
use stripe_product::{
    price::{RetrievePrice, UpdatePrice},
    product::{ListProduct, RetrieveProduct, UpdateProduct},
};
use stripe_shared::{ApiErrorsCode, ApiErrorsType, TestHelpersTestClockStatus};

use super::{client, customer, prices, subscription::new};
use crate::test_server::{DAY_SECS, START_SECS, TestServer};

#[tokio::test]
async fn portal_sessions_and_configurations_are_created() {
    let server = TestServer::start().await;
    let client = client(&server);
    let customer = customer(&client, "").await;
    let mut features = CreateBillingPortalConfigurationFeatures::new();
    features.invoice_history = Some(InvoiceListParam::new(true));
    features.payment_method_update = Some(PaymentMethodUpdateParam::new(true));
    features.subscription_cancel = Some(CreateBillingPortalConfigurationFeaturesSubscriptionCancel::new(
        true,
    ));
    let configuration = CreateBillingPortalConfiguration::new(features)
        .send(&client)
        .await
        .expect("a configuration");
    let listed = ListBillingPortalConfiguration::new()
        .active(true)
        .send(&client)
        .await
        .expect("configurations");
    assert_eq!(listed.data.len(), 1);
    let flow =
        CreateBillingPortalSessionFlowData::new(CreateBillingPortalSessionFlowDataType::PaymentMethodUpdate);
    let session = CreateBillingPortalSession::new()
        .customer(customer.id.as_str())
        .configuration(configuration.id.as_str())
        .return_url("http://127.0.0.1:3000/billing")
        .flow_data(flow)
        .send(&client)
        .await
        .expect("a session");
    assert!(session.url.contains("/p/session/"));
    assert!(session.flow.is_some());
    server.stop().await;
}

#[tokio::test]
async fn a_test_clock_advances_and_is_deleted() {
    let server = TestServer::start().await;
    let client = client(&server);
    let (monthly, _) = prices(&client).await;
    let clock = CreateTestHelpersTestClock::new(START_SECS)
        .name("a clock")
        .send(&client)
        .await
        .expect("a clock");
    let customer = CreateCustomer::new()
        .test_clock(clock.id.as_str())
        .send(&client)
        .await
        .expect("a customer");
    new(customer.id.as_str(), monthly.id.as_str())
        .trial_period_days(3_u32)
        .send(&client)
        .await
        .expect("a subscription");
    let advanced = AdvanceTestHelpersTestClock::new(clock.id.clone(), START_SECS + 4 * DAY_SECS)
        .send(&client)
        .await
        .expect("the clock");
    assert_eq!(advanced.status, TestHelpersTestClockStatus::Advancing);
    let ready = RetrieveTestHelpersTestClock::new(clock.id.clone())
        .send(&client)
        .await
        .expect("the clock");
    assert_eq!(
        (ready.status, ready.frozen_time),
        (TestHelpersTestClockStatus::Ready, START_SECS + 4 * DAY_SECS)
    );
    DeleteTestHelpersTestClock::new(clock.id)
        .send(&client)
        .await
        .expect("a deleted clock");
    let deleted = RetrieveCustomer::new(customer.id)
        .send(&client)
        .await
        .expect("a response");
    assert!(matches!(deleted, RetrieveCustomerReturned::DeletedCustomer(_)));
    server.stop().await;
}

#[tokio::test]
async fn events_are_paged() {
    let server = TestServer::start().await;
    let client = client(&server);
    let (monthly, _) = prices(&client).await;
    let customer = customer(&client, "pm_card_visa").await;
    let created = new(customer.id.as_str(), monthly.id.as_str())
        .trial_period_days(10_u32)
        .send(&client)
        .await
        .expect("a subscription");
    server.advance_until(created.id.as_str(), "payment").await;
    let paged: Vec<_> = ListEvent::new()
        .limit(3)
        .paginate()
        .stream(&client)
        .try_collect()
        .await
        .expect("events");
    let mut names: Vec<String> = paged.iter().map(|event| event.type_.to_string()).collect();
    names.reverse();
    assert_eq!(names, server.history().await);
    let paid = ListEvent::new()
        .types(vec!["invoice.paid".to_owned()])
        .send(&client)
        .await
        .expect("events");
    assert_eq!(paid.data.len(), 2, "the trial's $0 invoice and the first payment");
    let one = RetrieveEvent::new(paid.data[0].id.clone())
        .send(&client)
        .await
        .expect("the event");
    assert_eq!(
        one.request.and_then(|request| request.id),
        None,
        "no API request caused the event"
    );
    server.stop().await;
}

#[tokio::test]
async fn products_and_prices_are_updated() {
    let server = TestServer::start().await;
    let client = client(&server);
    let (monthly, yearly) = prices(&client).await;
    let product = monthly.product.id().clone();
    UpdateProduct::new(product.clone())
        .name("Max")
        .send(&client)
        .await
        .expect("a change");
    let product = RetrieveProduct::new(product)
        .send(&client)
        .await
        .expect("the product");
    assert_eq!(product.name, "Max");
    let products = ListProduct::new()
        .active(true)
        .send(&client)
        .await
        .expect("products");
    assert_eq!(products.data.len(), 1);
    UpdatePrice::new(yearly.id.clone())
        .active(false)
        .send(&client)
        .await
        .expect("a change");
    let price = RetrievePrice::new(yearly.id)
        .send(&client)
        .await
        .expect("the price");
    assert!(!price.active);
    server.stop().await;
}

#[tokio::test]
async fn errors_and_idempotency_keys_are_recognized() {
    let server = TestServer::start().await;
    let client = client(&server);
    match RetrieveCustomer::new("cus_none").send(&client).await {
        Err(StripeError::Stripe(error, 404)) => {
            assert_eq!(error.type_, ApiErrorsType::InvalidRequestError);
            assert_eq!(error.code, Some(ApiErrorsCode::ResourceMissing));
        }
        other => panic!("{other:?}"),
    }
    let create = async |email: &str| {
        CreateCustomer::new()
            .email(email)
            .customize()
            .request_strategy(RequestStrategy::Idempotent(
                IdempotencyKey::new("customer-1").expect("a key"),
            ))
            .send(&client)
            .await
    };
    let first = create("a@example.com").await.expect("a customer");
    let again = create("a@example.com").await.expect("the same customer");
    assert_eq!(first.id, again.id);
    match create("b@example.com").await {
        Err(StripeError::Stripe(error, 400)) => assert_eq!(error.type_, ApiErrorsType::IdempotencyError),
        other => panic!("{other:?}"),
    }
    let found = ListCustomer::new()
        .email("a@example.com")
        .send(&client)
        .await
        .expect("customers");
    assert_eq!(found.data.len(), 1);
    let deleted = DeleteCustomer::new(first.id)
        .send(&client)
        .await
        .expect("a deleted customer");
    assert_eq!(deleted.id, again.id);
    server.stop().await;
}
