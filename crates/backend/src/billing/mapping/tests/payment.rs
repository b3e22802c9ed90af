//! Payments: subscriptions without a trial, renewals, changes, failures, and ends of paid subscriptions.

use super::*;

const MONTH: i64 = 30 * DAY;

/// The invoice of a change from monthly to yearly.
fn change_invoice(amount: i64, paid_at: i64) -> Value {
    invoice_for("in_2", "subscription_update", amount, paid_at, 365)
}

/// An invoice for the rest of the trial.
fn on_trial(mut invoice: Value) -> Value {
    invoice["lines"]["data"][0]["period"]["end"] = json!(TRIAL_END);
    invoice
}

#[test]
fn subscription_started() {
    let input = InputJson::of(subscription(), &[started()]);
    let event = input.event(&webhook("invoice.paid", started()));
    assert_eq!(
        summary(&event),
        (
            "Subscription started",
            "subscription-started:sub_1",
            "active",
            Some(12.0),
            "checkout handoff"
        )
    );
    assert_eq!(
        event["event_properties"]["click"],
        format!("click-{}", CREATED - 10)
    );
    assert_eq!(event["event_properties"]["amount_minor"], 1200);
    assert_eq!(event["event_properties"]["currency"], "usd");
    assert_eq!(event["event_properties"]["interval"], "month");
    assert_eq!(event["user_properties"]["$set"]["stripe_customer_id"], "cus_1");
    assert_eq!(event["revenueType"], "purchase");
}

/// The first month is free with a voucher: the subscription starts with it, and the first payment is a renewal.
#[test]
fn a_free_first_period() {
    let free = invoice("in_1", "subscription_create", 0, START);
    let paid = invoice("in_2", "subscription_cycle", 1200, START + MONTH);
    let input = InputJson::of(subscription(), &[free.clone(), paid.clone()]);
    let event = input.event(&webhook("invoice.paid", free));
    assert_eq!(
        summary(&event),
        (
            "Subscription started",
            "subscription-started:sub_1",
            "active",
            None,
            "checkout handoff"
        )
    );
    assert_eq!(event["event_properties"]["amount_minor"], 0);
    let event = input.event(&webhook("invoice.paid", paid));
    assert_eq!(event["insert_id"], "renewal:in_2");
    assert_eq!(event["revenue"], 12.0);
}

/// A renewal contains the metadata of the checkout, which must be ignored even if it is recent.
#[test]
fn subscription_renewal() {
    let second = invoice("in_2", "subscription_cycle", 1200, START + MONTH);
    let by_hand = invoice("in_3", "manual", 500, START + MONTH + DAY);
    let input = InputJson {
        visits: vec![visit_at(CREATED - 1)],
        ..InputJson::of(subscription(), &[by_hand.clone(), second.clone(), started()])
    };
    for (paid, insert_id, revenue) in [(second, "renewal:in_2", 12.0), (by_hand, "renewal:in_3", 5.0)] {
        let event = input.event(&webhook("invoice.paid", paid));
        assert_eq!(
            summary(&event),
            (
                "Subscription renewal",
                insert_id,
                "active",
                Some(revenue),
                "none by rule"
            )
        );
        assert_eq!(event["revenueType"], "renewal");
        for absent in ["device_id", "session_id"] {
            assert!(event.get(absent).is_none(), "{absent}");
        }
        assert!(event["event_properties"].get("click").is_none());
    }
    // Settled from credit: no payment.
    let free = invoice("in_4", "subscription_cycle", 0, START + 2 * MONTH);
    assert_eq!(input.events(&webhook("invoice.paid", free)), Vec::<Value>::new());
}

#[test]
fn subscription_changed_with_money() {
    let yearly = with(
        subscription(),
        json!({"items": items("year"), "latest_invoice": "in_2"}),
    );
    let paid = change_invoice(12_000, START + DAY);
    let input = InputJson::of(yearly, &[started(), paid.clone()]);
    let changed = change(
        &subscription(),
        json!({"items": items("year"), "latest_invoice": "in_2"}),
    );
    let paid = webhook("invoice.paid", paid);
    // Each of the two webhooks lacks what the other one has. The later one gives the event.
    for row in [&changed, &paid] {
        assert_eq!(input.events(row), Vec::<Value>::new());
    }
    let input = input.after(&[&changed, &paid]);
    let event = input.event(&paid);
    assert_eq!(input.event(&changed), event);
    assert_eq!(
        summary(&event),
        (
            "Subscription changed",
            "subscription-changed:in_2",
            "active",
            Some(120.0),
            "checkout handoff"
        )
    );
    assert_eq!(event["event_properties"]["previous_interval"], "month");
    assert_eq!(event["event_properties"]["interval"], "year");
    assert_eq!(event["revenueType"], "change");

    // The first month's payment is mapped correctly even after the change.
    assert_eq!(
        input.event(&webhook("invoice.paid", started()))["event_properties"]["interval"],
        "month"
    );
}

#[test]
fn subscription_changed_without_money() {
    let yearly_trial = with(trial(), json!({"items": items("year"), "latest_invoice": "in_2"}));
    let nothing_due = change_invoice(0, START + DAY);
    let nothing_due = on_trial(nothing_due);
    let input = InputJson::of(yearly_trial, &[trial_invoice(), nothing_due.clone()]);
    for changes in [
        json!({"items": items("year")}),
        json!({"items": items("year"), "latest_invoice": "in_2"}),
    ] {
        let event = input.event(&change(
            &with(trial(), json!({"latest_invoice": "in_0"})),
            changes.clone(),
        ));
        assert_eq!(
            summary(&event),
            (
                "Subscription changed",
                format!("subscription-changed:sub_1:{CREATED}").as_str(),
                "trialing",
                None,
                "checkout handoff"
            )
        );
        assert_eq!(event["event_properties"]["previous_interval"], "month");
        assert_eq!(event["event_properties"]["interval"], "year");
        assert!(event["event_properties"].get("amount_minor").is_none());
    }
    // The zero invoice of the same change.
    assert_eq!(
        input.events(&webhook("invoice.paid", nothing_due)),
        Vec::<Value>::new()
    );

    // Paid from credit, after the trial or without one.
    for (fetched, before) in [
        (
            after_trial(),
            invoice("in_1", "subscription_cycle", 1200, TRIAL_END),
        ),
        (subscription(), started()),
    ] {
        let free = change_invoice(0, TRIAL_END + DAY);
        let changed = change(
            &fetched,
            json!({"items": items("year"), "latest_invoice": "in_2"}),
        );
        let event = InputJson::of(fetched, &[before, free.clone()])
            .after(&[&changed])
            .event(&webhook("invoice.paid", free));
        assert_eq!(
            summary(&event),
            (
                "Subscription changed",
                "subscription-changed:in_2",
                "active",
                None,
                "checkout handoff"
            )
        );
    }
}

/// Two facts of one payment: it is the first, and its interval is not the trial's.
#[test]
fn changed_between_trial_and_first_payment() {
    let paid = change_invoice(12_000, TRIAL_END + 600);
    let changed = change(
        &after_trial(),
        json!({"items": items("year"), "latest_invoice": "in_2"}),
    );
    let input = InputJson::of(after_trial(), &[trial_invoice(), paid.clone()]).after(&[&changed]);
    let events = input.events(&webhook("invoice.paid", paid));
    let summaries: Vec<_> = events.iter().map(summary).collect();
    assert_eq!(
        summaries,
        [
            (
                "Trial converted",
                "trial-converted:sub_1",
                "active",
                Some(120.0),
                "none by rule"
            ),
            (
                "Subscription changed",
                "subscription-changed:in_2",
                "active",
                None,
                "checkout handoff"
            ),
        ]
    );
}

/// A new period of the same length, started in the dashboard.
#[test]
fn an_update_with_the_same_interval_is_a_renewal() {
    let again = invoice("in_2", "subscription_update", 1200, START + DAY);
    let restarted = change(&subscription(), json!({"latest_invoice": "in_2"}));
    let event = InputJson::of(subscription(), &[started(), again.clone()])
        .after(&[&restarted])
        .event(&webhook("invoice.paid", again));
    assert_eq!(event["insert_id"], "renewal:in_2");
    assert_eq!(event["revenue"], 12.0);
}

#[test]
fn canceled_and_changed_in_one_call() {
    let row = change(
        &trial(),
        json!({"items": items("year"), "cancel_at": TRIAL_END, "canceled_at": START + 60}),
    );
    let events = InputJson::of(trial(), &[]).events(&row);
    let names: Vec<_> = events.iter().map(|event| event["event_type"].clone()).collect();
    assert_eq!(names, ["Trial canceled", "Subscription changed"]);
}

#[test]
fn payment_failure_for_each_attempt() {
    let fetched = with(after_trial(), json!({"status": "past_due"}));
    let input = InputJson::of(fetched, &[trial_invoice()]);
    for attempt in 1..=4 {
        let failed = with(
            invoice("in_1", "subscription_cycle", 0, TRIAL_END),
            json!({"status": "open", "amount_due": 1200, "attempt_count": attempt, "status_transitions": {}}),
        );
        let event = input.event(&webhook("invoice.payment_failed", failed));
        assert_eq!(
            summary(&event),
            (
                "Payment failure",
                format!("payment-failure:in_1:{attempt}").as_str(),
                "past_due",
                None,
                "none by rule"
            )
        );
        assert_eq!(event["event_properties"]["attempt"], attempt);
        assert_eq!(event["event_properties"]["amount_minor"], 1200);
        assert!(event.get("session_id").is_none());
    }
}

#[test]
fn subscription_expiration() {
    let ended = |changes: Value| with(with(subscription(), json!({"status": "canceled"})), changes);
    let end = START + MONTH;
    let rows = [
        (
            "scheduled",
            ended(json!({"ended_at": end, "cancel_at_period_end": true, "canceled_at": START + DAY})),
        ),
        (
            "payment retries exhausted",
            ended(json!({"ended_at": end, "canceled_at": end})),
        ),
        (
            "at once, in the dashboard",
            ended(json!({"ended_at": START + 600, "canceled_at": START + 600})),
        ),
        ("no ended_at", ended(json!({}))),
        (
            "after a trial",
            ended(json!({"ended_at": end, "trial_start": START - DAY, "trial_end": START})),
        ),
    ];
    for (why, object) in rows {
        let event = InputJson::of(object.clone(), &[started()])
            .event(&webhook("customer.subscription.deleted", object));
        assert_eq!(
            summary(&event),
            (
                "Subscription expiration",
                "subscription-expiration:sub_1",
                "expired",
                None,
                "none by rule"
            ),
            "{why}"
        );
    }
    // Neither a trial nor a payment: no events.
    let never = ended(json!({"ended_at": end}));
    let row = webhook("customer.subscription.deleted", never.clone());
    assert_eq!(InputJson::of(never, &[]).events(&row), Vec::<Value>::new());
}

#[test]
fn amounts_in_currencies_of_every_kind() {
    let rows = [
        ("usd", 1299, 12.99, "USD"),
        ("eur", 1, 0.01, "EUR"),
        ("jpy", 1200, 1200.0, "JPY"),
        ("krw", 15_000, 15_000.0, "KRW"),
        ("kwd", 5_120, 5.12, "KWD"),
        ("isk", 120_000, 1200.0, "ISK"),
    ];
    for (currency, minor, revenue, code) in rows {
        let priced = |mut object: Value| {
            object["currency"] = json!(currency);
            object
        };
        let paid = priced(invoice("in_1", "subscription_create", minor, START));
        let input = InputJson {
            refunded: Some("in_1".to_owned()),
            ..InputJson::of(subscription(), std::slice::from_ref(&paid))
        };
        let event = input.event(&webhook("invoice.paid", paid));
        assert_eq!(event["revenue"], revenue, "{currency}");
        assert_eq!(event["currency"], code);
        assert_eq!(event["event_properties"]["amount_minor"], minor);

        let back = input.event(&webhook(
            "refund.created",
            priced(refund("re_1", minor, "succeeded")),
        ));
        assert_eq!(back["revenue"], -revenue, "{currency}");
    }
}
