//! Subjects, errors, webhooks without events, and user properties.

use super::*;

#[test]
fn webhooks_without_events() {
    let input = InputJson::of(
        after_trial(),
        &[
            trial_invoice(),
            invoice("in_1", "subscription_cycle", 1200, TRIAL_END),
        ],
    );
    let paid = invoice("in_1", "subscription_cycle", 1200, TRIAL_END);
    let rows = [
        webhook("invoice.payment_succeeded", paid.clone()),
        webhook("invoice.created", paid.clone()),
        webhook("invoice.finalized", paid.clone()),
        webhook("invoice.updated", paid.clone()),
        webhook(
            "invoice_payment.paid",
            json!({"object": "invoice_payment", "id": "inpay_1"}),
        ),
        webhook("customer.subscription.trial_will_end", trial()),
        webhook("customer.subscription.resumed", after_trial()),
        webhook(
            "checkout.session.completed",
            json!({"object": "checkout.session", "customer": "cus_1"}),
        ),
        webhook("checkout.session.expired", json!({"object": "checkout.session"})),
        webhook("charge.succeeded", json!({"object": "charge"})),
        webhook(
            "charge.refunded",
            json!({"object": "charge", "amount_refunded": 1200}),
        ),
        webhook("charge.refund.updated", refund("re_1", 1200, "failed")),
        webhook("payment_intent.succeeded", json!({"object": "payment_intent"})),
        webhook("customer.updated", json!({"object": "customer", "id": "cus_1"})),
        webhook("a.future.type", json!({})),
        // An invoice without a subscription.
        webhook(
            "invoice.paid",
            with(paid.clone(), json!({"parent": null, "subscription": null})),
        ),
        webhook(
            "invoice.payment_failed",
            with(paid, json!({"parent": null, "subscription": null})),
        ),
        // A payment without an invoice of a subscription.
        webhook("refund.created", refund("re_1", 100, "succeeded")),
    ];
    for row in rows {
        assert_eq!(input.map(&row), Ok(Vec::new()), "{}", row["type"]);
    }
}

#[test]
fn each_type_that_an_endpoint_must_send_has_an_effect() {
    for kind in WEBHOOK_TYPES {
        // Without readable content it is parked, which is an effect too.
        let event = webhook(kind, json!({"object": "customer", "id": "cus_1"}));
        let subject = subject(&StripeEvent::read(&event).unwrap());
        assert!(!matches!(subject, Ok(None)), "{kind}");
    }
}

#[test]
fn subjects() {
    let about = |webhook: Value| subject(&StripeEvent::read(&webhook).unwrap());
    let of_subscription = Ok(Some(Subject::Subscription("sub_1".to_owned())));
    for kind in [
        "created",
        "updated",
        "deleted",
        "paused",
        "resumed",
        "trial_will_end",
        "a_future_type",
    ] {
        let kind = format!("customer.subscription.{kind}");
        assert_eq!(about(webhook(&kind, trial())), of_subscription, "{kind}");
    }
    for kind in ["invoice.paid", "invoice.payment_failed"] {
        assert_eq!(about(webhook(kind, trial_invoice())), of_subscription, "{kind}");
        assert_eq!(
            about(webhook(kind, older_shape(trial_invoice()))),
            of_subscription,
            "{kind}"
        );
        let one_off = with(trial_invoice(), json!({"parent": null}));
        assert_eq!(about(webhook(kind, one_off)), Ok(None), "{kind}");
    }
    for kind in ["refund.created", "refund.updated", "refund.failed"] {
        let object = refund("re_1", 100, "succeeded");
        let expected = Reversal::Refund(Refund::read(&object).unwrap());
        assert_eq!(
            about(webhook(kind, object)),
            Ok(Some(Subject::Reversal(expected))),
            "{kind}"
        );
    }
    for kind in [
        "invoice.upcoming",
        "charge.refunded",
        "checkout.session.completed",
        "",
    ] {
        assert_eq!(
            about(webhook(kind, json!({"object": "other"}))),
            Ok(None),
            "{kind}"
        );
    }
    let unreadable = about(webhook("invoice.paid", json!({"object": "invoice"})));
    assert_eq!(unreadable.unwrap_err().object, "invoice");
}

#[test]
fn input_of_another_subscription_is_an_error() {
    let input = InputJson::of(with(trial(), json!({"id": "sub_2"})), &[]);
    let refused = Err(MappingError::OtherSubscription {
        webhook: "sub_1".to_owned(),
        fetched: "sub_2".to_owned(),
    });
    for row in [
        webhook("customer.subscription.created", trial()),
        webhook("customer.subscription.deleted", trial()),
        webhook(
            "invoice.paid",
            invoice("in_1", "subscription_cycle", 1200, TRIAL_END),
        ),
        webhook(
            "invoice.payment_failed",
            invoice("in_1", "subscription_cycle", 0, TRIAL_END),
        ),
    ] {
        assert_eq!(input.map(&row), refused, "{}", row["type"]);
    }
}

#[test]
fn an_unreadable_payload_is_an_error() {
    let input = InputJson::of(trial(), &[]);
    let no_length = with(trial(), json!({"trial_end": null}));
    let error = input
        .map(&webhook("customer.subscription.created", no_length))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no readable `trial_end` in Stripe's subscription"
    );

    let mut unpriced = trial();
    unpriced["items"]["data"][0]["price"]["recurring"] = json!({"interval": "fortnight"});
    let input = InputJson::of(unpriced.clone(), &[]);
    let error = input
        .map(&webhook("customer.subscription.created", unpriced))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no readable `items.data.price.recurring.interval` in Stripe's subscription"
    );
}

/// The event has the reported status, the user property the fetched status of the account.
#[test]
fn user_properties_have_the_fetched_status() {
    let read = |object: Value| Subscription::read(&object).unwrap();
    let ended = with(trial(), json!({"status": "canceled", "ended_at": TRIAL_END}));
    let running = with(subscription(), json!({"id": "sub_2", "created": START + 9 * DAY}));
    let event = StripeEvent::read(&webhook("customer.subscription.created", trial())).unwrap();
    let rows = [
        (read(trial()), vec![], "trialing", "pro"),
        (
            read(with(trial(), json!({"cancel_at": TRIAL_END}))),
            vec![],
            "trial_canceled",
            "pro",
        ),
        (read(after_trial()), vec![], "active", "pro"),
        (read(ended.clone()), vec![], "expired", "free"),
        (read(ended), vec![read(running)], "active", "pro"),
    ];
    for (fetched, others, status, account_type) in rows {
        let input = MappingInput {
            account: account(),
            fetched: &fetched,
            others: &others,
            paid_invoices: &[],
            reversed_invoice: None,
            related: &[],
            product: &product(),
            visits: &[],
            clicks: &[],
        };
        let event = map_webhook(&event, &input).unwrap().remove(0).to_wire();
        assert_eq!(
            event["user_properties"],
            json!({"$set": {
                "subscription_status": status,
                "account_type": account_type,
                "stripe_customer_id": "cus_1",
            }}),
            "{fetched:?}"
        );
        assert_eq!(event["event_properties"]["subscription_status"], "trialing");
    }
}
