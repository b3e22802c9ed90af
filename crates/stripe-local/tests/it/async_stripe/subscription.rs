//! A subscription with async-stripe: trial, cancellation and its undoing, conversion, plan change, pause, end.

use std::collections::HashMap;

use stripe::Client;
use stripe_billing::{
    invoice::{CreatePreviewInvoice, ListInvoice, RetrieveInvoice},
    invoice_payment::{ListInvoicePayment, ListInvoicePaymentPayment, ListInvoicePaymentPaymentType},
    subscription::{
        CancelSubscription, CancelSubscriptionCancellationDetails,
        CancelSubscriptionCancellationDetailsFeedback, CreateSubscription, CreateSubscriptionItems,
        CreateSubscriptionTrialSettings, CreateSubscriptionTrialSettingsEndBehavior,
        CreateSubscriptionTrialSettingsEndBehaviorMissingPaymentMethod as MissingPaymentMethod,
        ListSubscription, ListSubscriptionStatus, PauseSubscription, PauseSubscriptionBillFor,
        PauseSubscriptionBillForUnusedTimeFrom, PauseSubscriptionBillForUnusedTimeFromType,
        PauseSubscriptionType, ResumeSubscription, ResumeSubscriptionBillingCycleAnchor,
        ResumeSubscriptionBillingCycleAnchorType, RetrieveSubscription, UpdateSubscription,
        UpdateSubscriptionItems, UpdateSubscriptionProrationBehavior,
    },
};
use stripe_shared::{
    InvoiceBillingReason, InvoiceStatus, Subscription, SubscriptionId, SubscriptionStatus,
    SubscriptionsResourcePausedStatusDetailsSubscriptionType as PausedBecause,
};

use super::{client, customer, prices};
use crate::test_server::{DAY_SECS, START_SECS, TestServer};

pub(super) fn new(customer: &str, price: &str) -> CreateSubscription {
    let mut item = CreateSubscriptionItems::new();
    item.price = Some(price.to_owned());
    CreateSubscription::new().customer(customer).items(vec![item])
}

async fn retrieve(client: &Client, id: &SubscriptionId) -> Subscription {
    RetrieveSubscription::new(id.clone())
        .expand(vec!["latest_invoice.payments".to_owned(), "customer".to_owned()])
        .send(client)
        .await
        .expect("the subscription")
}

#[tokio::test]
async fn a_subscription_runs_from_trial_to_cancellation() {
    let server = TestServer::start().await;
    let client = client(&server);
    let (monthly, yearly) = prices(&client).await;
    let customer = customer(&client, "pm_card_visa").await;
    let created = new(customer.id.as_str(), monthly.id.as_str())
        .trial_period_days(10_u32)
        .metadata(HashMap::from([("click".to_owned(), "1".to_owned())]))
        .send(&client)
        .await
        .expect("a subscription");
    assert_eq!(created.status, SubscriptionStatus::Trialing);

    // Cancel and undo the cancellation.
    let canceled = UpdateSubscription::new(created.id.clone())
        .cancel_at_period_end(true)
        .send(&client)
        .await
        .expect("a change");
    assert_eq!(canceled.cancel_at, Some(START_SECS + 10 * DAY_SECS));
    assert!(
        canceled
            .cancellation_details
            .is_some_and(|details| details.reason.is_some())
    );
    let resumed = UpdateSubscription::new(created.id.clone())
        .cancel_at_period_end(false)
        .send(&client)
        .await
        .expect("a change");
    assert_eq!((resumed.cancel_at, resumed.canceled_at), (None, None));

    let preview = CreatePreviewInvoice::new()
        .subscription(created.id.as_str())
        .send(&client)
        .await
        .expect("a preview");
    assert_eq!(
        (preview.total, preview.billing_reason),
        (1200, Some(InvoiceBillingReason::Upcoming))
    );

    server.advance_until(created.id.as_str(), "payment").await;
    let active = retrieve(&client, &created.id).await;
    assert_eq!(active.status, SubscriptionStatus::Active);
    let invoice = active.latest_invoice.expect("an invoice");
    let invoice = invoice.as_object().expect("expanded");
    assert_eq!(
        (invoice.status.clone(), invoice.amount_paid),
        (Some(InvoiceStatus::Paid), 1200)
    );
    let parent = invoice.parent.as_ref().expect("a parent");
    let details_of_parent = parent.subscription_details.as_ref().expect("a subscription");
    assert_eq!(details_of_parent.subscription.id(), &created.id);
    assert!(active.customer.is_object());

    // Find the invoice by its payment.
    let payments = &invoice.payments.as_ref().expect("payments").data;
    let intent = payments[0]
        .payment
        .payment_intent
        .as_ref()
        .expect("an intent")
        .id();
    let mut by_intent = ListInvoicePaymentPayment::new(ListInvoicePaymentPaymentType::PaymentIntent);
    by_intent.payment_intent = Some(intent.to_string());
    let found = ListInvoicePayment::new()
        .payment(by_intent)
        .expand(vec!["data.invoice".to_owned()])
        .send(&client)
        .await
        .expect("payments");
    assert_eq!(
        found.data[0].invoice.as_object().map(|invoice| &invoice.id),
        Some(&invoice.id)
    );
    let invoices = ListInvoice::new()
        .subscription(created.id.as_str())
        .status(InvoiceStatus::Paid)
        .limit(1)
        .send(&client)
        .await
        .expect("invoices");
    assert!(invoices.has_more, "the other one is the trial's invoice");
    let again = RetrieveInvoice::new(invoice.id.clone().expect("an ID"))
        .send(&client)
        .await
        .expect("the invoice");
    assert_eq!(again.lines.data[0].amount, 1200);

    // Change from the monthly to the yearly price.
    let mut item = UpdateSubscriptionItems::new();
    item.id = Some(active.items.data[0].id.to_string());
    item.price = Some(yearly.id.to_string());
    let changed = UpdateSubscription::new(created.id.clone())
        .items(vec![item])
        .proration_behavior(UpdateSubscriptionProrationBehavior::None)
        .send(&client)
        .await
        .expect("a change");
    assert_eq!(changed.items.data[0].price.id, yearly.id);

    // Pause and resume.
    let mut without_credit = PauseSubscriptionBillFor::new();
    without_credit.unused_time_from = Some(PauseSubscriptionBillForUnusedTimeFrom::new(
        PauseSubscriptionBillForUnusedTimeFromType::None,
    ));
    let paused = PauseSubscription::new(created.id.clone())
        .type_(PauseSubscriptionType::Subscription)
        .bill_for(without_credit)
        .send(&client)
        .await
        .expect("a paused subscription");
    assert_eq!(paused.status, SubscriptionStatus::Paused);
    let details = paused.status_details.expect("details").paused;
    assert_eq!(details.subscription.type_, PausedBecause::PauseRequested);
    let resumed_subscription = ResumeSubscription::new(created.id.clone())
        .billing_cycle_anchor(ResumeSubscriptionBillingCycleAnchor::new(
            ResumeSubscriptionBillingCycleAnchorType::Now,
        ))
        .send(&client)
        .await
        .expect("a resumed subscription");
    assert_eq!(resumed_subscription.status, SubscriptionStatus::Active);

    let listed = ListSubscription::new()
        .customer(customer.id.as_str())
        .price(yearly.id.as_str())
        .status(ListSubscriptionStatus::Active)
        .send(&client)
        .await
        .expect("subscriptions");
    assert_eq!(listed.data.len(), 1);
    let mut details = CancelSubscriptionCancellationDetails::new();
    details.feedback = Some(CancelSubscriptionCancellationDetailsFeedback::Unused);
    let ended = CancelSubscription::new(created.id.clone())
        .cancellation_details(details)
        .expand(vec!["latest_invoice".to_owned()])
        .send(&client)
        .await
        .expect("a canceled subscription");
    assert_eq!(ended.status, SubscriptionStatus::Canceled);
    assert!(ended.ended_at.is_some());
    server.stop().await;
}

#[tokio::test]
async fn a_trial_without_a_card_pauses() {
    let server = TestServer::start().await;
    let client = client(&server);
    let (monthly, _) = prices(&client).await;
    let customer = customer(&client, "").await;
    let mut end = CreateSubscriptionTrialSettingsEndBehavior::new();
    end.missing_payment_method = Some(MissingPaymentMethod::Pause);
    let created = new(customer.id.as_str(), monthly.id.as_str())
        .trial_period_days(3_u32)
        .trial_settings(CreateSubscriptionTrialSettings::new(end))
        .send(&client)
        .await
        .expect("a subscription");
    server.advance_until(created.id.as_str(), "trial_end").await;
    let paused = retrieve(&client, &created.id).await;
    assert_eq!(paused.status, SubscriptionStatus::Paused);
    let details = paused.status_details.expect("details").paused;
    assert_eq!(
        details.subscription.type_,
        PausedBecause::TrialEndWithoutPaymentMethod
    );
    assert_eq!(details.transitioned_at, START_SECS + 3 * DAY_SECS);
    server.stop().await;
}
