//! Trials: started, converted, expired.

use super::*;

fn first_payment(reason: &str, paid_at: i64) -> Value {
    invoice("in_1", reason, 1200, paid_at)
}

#[test]
fn trial_started() {
    let input = InputJson::of(trial(), &[trial_invoice()]);
    let event = input.event(&webhook("customer.subscription.created", trial()));
    assert_eq!(
        summary(&event),
        (
            "Trial started",
            "trial-started:sub_1",
            "trialing",
            None,
            "checkout handoff"
        )
    );
    assert_eq!(event["device_id"], "device-0001");
    assert_eq!(event["session_id"], START * 1000);
    assert_eq!(event["time"], CREATED * 1000);
    let properties = &event["event_properties"];
    assert_eq!(properties["click"], format!("click-{}", CREATED - 10));
    assert_eq!(properties["trial_days"], 3);
    assert_eq!(properties["interval"], "month");
    assert_eq!(properties["stripe_event"], "evt_1");

    // Checkout starts the trial a little later than the subscription.
    let short = with(trial(), json!({"trial_start": START + 59}));
    let event = input.event(&webhook("customer.subscription.created", short));
    assert_eq!(event["event_properties"]["trial_days"], 3);
}

#[test]
fn a_subscription_with_another_status_is_not_a_trial() {
    let input = InputJson::of(subscription(), &[]);
    for status in ["active", "incomplete", "past_due", "paused", "a future status"] {
        let created = with(subscription(), json!({"status": status}));
        let row = webhook("customer.subscription.created", created);
        assert_eq!(input.events(&row), Vec::<Value>::new(), "{status}");
    }
}

/// `invoice.paid` with a zero amount is not a payment.
#[test]
fn the_zero_invoice_of_a_trial_gives_no_event() {
    let input = InputJson::of(trial(), &[trial_invoice()]);
    assert_eq!(
        input.events(&webhook("invoice.paid", trial_invoice())),
        Vec::<Value>::new()
    );
}

/// `active` does not mean paid: the payment follows an hour later.
#[test]
fn active_before_the_payment_gives_no_event() {
    let input = InputJson::of(after_trial(), &[trial_invoice()]);
    let row = change(
        &trial(),
        json!({"status": "active", "latest_invoice": "in_1", "items": items("month")}),
    );
    assert_eq!(input.events(&row), Vec::<Value>::new());
}

#[test]
fn trial_converted_by_the_first_payment() {
    let late = TRIAL_END + 5 * DAY;
    let rows = [
        (
            "an hour after the trial",
            "subscription_cycle",
            TRIAL_END + 3600,
            after_trial(),
        ),
        (
            "late, after failures",
            "subscription_cycle",
            late,
            with(after_trial(), json!({"status": "past_due"})),
        ),
        (
            "ended early by a change",
            "subscription_update",
            START + DAY,
            after_trial(),
        ),
        ("by hand in the dashboard", "manual", late, after_trial()),
        (
            "after the end",
            "subscription_cycle",
            late,
            with(
                after_trial(),
                json!({"status": "canceled", "ended_at": late - DAY}),
            ),
        ),
    ];
    for (why, reason, paid_at, fetched) in rows {
        // Stripe's list may not contain it yet.
        for listed in [true, false] {
            let paid = first_payment(reason, paid_at);
            let mut list = vec![trial_invoice()];
            list.extend(listed.then(|| paid.clone()));
            let events = InputJson::of(fetched.clone(), &list).events(&webhook("invoice.paid", paid));
            assert_eq!(
                summary(&events[0]),
                (
                    "Trial converted",
                    "trial-converted:sub_1",
                    "active",
                    Some(12.0),
                    "none by rule"
                ),
                "{why}"
            );
            assert_eq!(events[0]["revenueType"], "purchase", "{why}");
        }
    }
}

/// Stripe's list decides which payment was first, not the order in our inbox.
#[test]
fn the_first_payment_is_the_earliest_paid_invoice() {
    let first = invoice("in_1", "subscription_cycle", 1200, TRIAL_END + 3600);
    let second = invoice("in_2", "subscription_cycle", 1200, TRIAL_END + 31 * DAY);
    // Created first and paid last, after card failures.
    let recovered = with(
        invoice("in_0b", "subscription_cycle", 1200, TRIAL_END + 40 * DAY),
        json!({"created": TRIAL_END}),
    );
    let all = [recovered.clone(), second.clone(), trial_invoice(), first.clone()];
    let input = InputJson::of(after_trial(), &all);
    for (paid, insert_id) in [
        (&first, "trial-converted:sub_1"),
        (&second, "renewal:in_2"),
        (&recovered, "renewal:in_0b"),
    ] {
        let event = input.event(&webhook("invoice.paid", paid.clone()));
        assert_eq!(event["insert_id"], insert_id);
        // Listed as it was at that time, and in any order.
        let mut then = input.clone();
        then.paid.reverse();
        then.paid.retain(|listed| {
            listed["status_transitions"]["paid_at"].as_i64() <= paid["status_transitions"]["paid_at"].as_i64()
        });
        assert_eq!(then.event(&webhook("invoice.paid", paid.clone())), event);
    }
}

/// A voucher for the whole price, or a free price: the first period converts the trial, and payments are renewals.
#[test]
fn case_4_a_zero_invoice_converts_a_trial() {
    let free = invoice("in_1", "subscription_cycle", 0, TRIAL_END + 3600);
    let paid = invoice("in_2", "subscription_cycle", 1200, TRIAL_END + 31 * DAY);
    let input = InputJson::of(after_trial(), &[trial_invoice(), free.clone(), paid.clone()]);
    let converted = input.event(&webhook("invoice.paid", free.clone()));
    assert_eq!(
        summary(&converted),
        (
            "Trial converted",
            "trial-converted:sub_1",
            "active",
            None,
            "none by rule"
        )
    );
    assert_eq!(converted["event_properties"]["amount_minor"], 0);
    let renewed = input.event(&webhook("invoice.paid", paid));
    assert_eq!(renewed["insert_id"], "renewal:in_2");
    // Its end is the end of a subscription, also if nothing was ever paid.
    let ended = with(
        after_trial(),
        json!({"status": "canceled", "ended_at": TRIAL_END + 20 * DAY}),
    );
    let event = InputJson::of(ended.clone(), &[trial_invoice(), free])
        .event(&webhook("customer.subscription.deleted", ended));
    assert_eq!(event["event_type"], "Subscription expiration");
}

/// A set-up fee is billed with the trial's start, on the invoice of the trial's period.
#[test]
fn case_5_a_set_up_fee_is_not_the_conversion() {
    let mut fee = trial_invoice();
    let line = json!({
        "object": "line_item",
        "period": {"start": START, "end": START},
        "pricing": {"price_details": {"price": "price_fee", "product": "prod_fee"}},
        "parent": {"type": "invoice_item_details", "invoice_item_details": {"invoice_item": "ii_1"}},
    });
    fee["lines"]["data"].as_array_mut().unwrap().push(line);
    fee["amount_paid"] = json!(500);
    let paid = invoice("in_1", "subscription_cycle", 1200, TRIAL_END + 3600);
    let input = InputJson::of(after_trial(), &[fee.clone(), paid.clone()]);
    let charged = input.event(&webhook("invoice.paid", fee.clone()));
    assert_eq!(
        summary(&charged),
        (
            "Subscription charge",
            "subscription-charge:in_0",
            "trialing",
            Some(5.0),
            "none by rule"
        )
    );
    assert_eq!(charged["revenueType"], "charge");
    let converted = input.event(&webhook("invoice.paid", paid));
    assert_eq!(converted["insert_id"], "trial-converted:sub_1");
    assert_eq!(converted["revenue"], 12.0);
    // The fee does not make a trial without a conversion a paid subscription.
    let ended = with(trial(), json!({"status": "canceled", "ended_at": TRIAL_END}));
    let event = InputJson::of(ended.clone(), &[fee]).event(&webhook("customer.subscription.deleted", ended));
    assert_eq!(event["event_type"], "Trial expiration");
}

#[test]
fn an_unpaid_trial_expires() {
    let ended = |changes: Value| {
        with(
            with(trial(), json!({"status": "canceled", "ended_at": TRIAL_END})),
            changes,
        )
    };
    let after_failures = TRIAL_END + 15 * DAY;
    let rows = [
        ("no card at the end", ended(json!({"canceled_at": TRIAL_END}))),
        (
            "canceled before",
            ended(json!({"cancel_at_period_end": true, "cancel_at": TRIAL_END, "canceled_at": START + DAY})),
        ),
        (
            "payment retries exhausted",
            ended(json!({"ended_at": after_failures, "cancellation_details": {"reason": "payment_failed"}})),
        ),
        (
            "at once, in the dashboard",
            ended(json!({
                "ended_at": START + 700,
                "canceled_at": START + 700,
                "cancellation_details": {"reason": "cancellation_requested"},
            })),
        ),
    ];
    // Paid after the end: the trial had still expired.
    let paid_later = invoice("in_1", "subscription_cycle", 1200, after_failures + DAY);
    for (why, object) in rows {
        for list in [vec![trial_invoice()], vec![trial_invoice(), paid_later.clone()]] {
            let input = InputJson::of(object.clone(), &list);
            let event = input.event(&webhook("customer.subscription.deleted", object.clone()));
            assert_eq!(
                summary(&event),
                (
                    "Trial expiration",
                    "trial-expiration:sub_1",
                    "expired",
                    None,
                    "none by rule"
                ),
                "{why}"
            );
        }
    }
}

#[test]
fn a_trial_paused_without_a_card_expires() {
    let paused = with(trial(), json!({"status": "paused"}));
    let row = webhook("customer.subscription.paused", paused.clone());
    let event = InputJson::of(paused.clone(), &[trial_invoice()]).event(&row);
    assert_eq!(
        summary(&event),
        (
            "Trial expiration",
            "trial-expiration:sub_1",
            "expired",
            None,
            "none by rule"
        )
    );
    // A paid subscription that is paused has not expired.
    let paid = invoice("in_1", "subscription_cycle", 1200, TRIAL_END + 3600);
    assert_eq!(
        InputJson::of(paused, &[trial_invoice(), paid]).events(&row),
        Vec::<Value>::new()
    );
    let without_trial = with(subscription(), json!({"status": "paused"}));
    let row = webhook("customer.subscription.paused", without_trial.clone());
    assert_eq!(
        InputJson::of(without_trial, &[]).events(&row),
        Vec::<Value>::new()
    );
}

/// Two of Stripe's events for one fact give one event, by its insert ID.
#[test]
fn duplicate_stripe_events_have_one_insert_id() {
    let input = InputJson::of(after_trial(), &[trial_invoice()]);
    for row in [
        webhook("customer.subscription.created", trial()),
        webhook(
            "invoice.paid",
            first_payment("subscription_cycle", TRIAL_END + 3600),
        ),
        change(
            &trial(),
            json!({"cancel_at_period_end": true, "canceled_at": START + 60}),
        ),
    ] {
        let duplicate = with(row.clone(), json!({"id": "evt_2", "created": CREATED + 1}));
        let (one, other) = (input.event(&row), input.event(&duplicate));
        assert_eq!(one["insert_id"], other["insert_id"]);
        assert_ne!(
            one["event_properties"]["stripe_event"],
            other["event_properties"]["stripe_event"]
        );
    }
}
