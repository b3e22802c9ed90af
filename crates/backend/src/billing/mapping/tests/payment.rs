//! Payments: subscriptions paid at once, renewals, changes, failures, and ends of what was paid.

use super::*;

const MONTH: i64 = 30 * DAY;

/// The year that follows on a month, invoiced at once.
fn change_invoice(amount: i64, paid_at: i64) -> Value {
    invoice_for("in_2", "subscription_update", amount, paid_at, 365)
}

#[test]
fn subscription_started() {
    let known = Known::of(subscription(), &[started()]);
    let event = known.event(&webhook("invoice.paid", started()));
    assert_eq!(
        said(&event),
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

/// A voucher for the first month: the beginning is the first money, and nobody clicked for it, whatever the metadata
/// still says.
#[test]
fn a_free_beginning() {
    let free = invoice("in_1", "subscription_create", 0, START);
    let paid = invoice("in_2", "subscription_cycle", 1200, START + MONTH);
    let known = Known::of(subscription(), &[free.clone(), paid.clone()]);
    assert_eq!(known.events(&webhook("invoice.paid", free)), Vec::<Value>::new());
    let event = known.event(&webhook("invoice.paid", paid));
    assert_eq!(
        said(&event),
        (
            "Subscription started",
            "subscription-started:sub_1",
            "active",
            Some(12.0),
            "none known"
        )
    );
}

/// Renewals bring the metadata of the checkout along, here even a fresh one.
#[test]
fn subscription_renewal() {
    let second = invoice("in_2", "subscription_cycle", 1200, START + MONTH);
    let by_hand = invoice("in_3", "manual", 500, START + MONTH + DAY);
    let known = Known {
        visits: vec![visit_at(CREATED - 1)],
        ..Known::of(subscription(), &[by_hand.clone(), second.clone(), started()])
    };
    for (paid, insert_id, revenue) in [(second, "renewal:in_2", 12.0), (by_hand, "renewal:in_3", 5.0)] {
        let event = known.event(&webhook("invoice.paid", paid));
        assert_eq!(
            said(&event),
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
    // Settled from credit: no money moved.
    let free = invoice("in_4", "subscription_cycle", 0, START + 2 * MONTH);
    assert_eq!(known.events(&webhook("invoice.paid", free)), Vec::<Value>::new());
}

#[test]
fn subscription_changed_with_money() {
    let yearly = with(
        subscription(),
        json!({"items": items("year"), "latest_invoice": "in_2"}),
    );
    let paid = change_invoice(12_000, START + DAY);
    let known = Known::of(yearly, &[started(), paid.clone()]);
    let event = known.event(&webhook("invoice.paid", paid));
    assert_eq!(
        said(&event),
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

    // The subscription's own webhook says nothing of it: its money may not have come, or may never come.
    let row = change(
        &subscription(),
        json!({"items": items("year"), "latest_invoice": "in_2"}),
    );
    assert_eq!(known.events(&row), Vec::<Value>::new());
    // The month before it is one as well when it is applied after the change.
    assert_eq!(
        known.event(&webhook("invoice.paid", started()))["event_properties"]["interval"],
        "month"
    );
}

#[test]
fn subscription_changed_without_money() {
    let yearly_trial = with(trial(), json!({"items": items("year"), "latest_invoice": "in_2"}));
    let nothing_due = change_invoice(0, START + DAY);
    let known = Known::of(yearly_trial, &[trial_invoice(), nothing_due.clone()]);
    for changes in [
        json!({"items": items("year")}),
        json!({"items": items("year"), "latest_invoice": "in_2"}),
    ] {
        let event = known.event(&change(
            &with(trial(), json!({"latest_invoice": "in_0"})),
            changes.clone(),
        ));
        let invoice = changes["latest_invoice"].as_str().unwrap_or("in_0");
        assert_eq!(
            said(&event),
            (
                "Subscription changed",
                format!("subscription-changed:{invoice}").as_str(),
                "trialing",
                None,
                "checkout handoff"
            )
        );
        assert_eq!(event["event_properties"]["previous_interval"], "month");
        assert_eq!(event["event_properties"]["interval"], "year");
        assert!(event["event_properties"].get("amount_minor").is_none());
    }
    // The invoice of nothing for the same change.
    assert_eq!(
        known.events(&webhook("invoice.paid", nothing_due)),
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
        let event = Known::of(fetched, &[before, free.clone()]).event(&webhook("invoice.paid", free));
        assert_eq!(
            said(&event),
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

/// Two facts of one payment: it is the first, and it is for another interval than the trial was.
#[test]
fn changed_in_the_hour_after_the_trial() {
    let paid = change_invoice(12_000, TRIAL_END + 600);
    let known = Known::of(after_trial(), &[trial_invoice(), paid.clone()]);
    let events = known.events(&webhook("invoice.paid", paid));
    let said: Vec<_> = events.iter().map(said).collect();
    assert_eq!(
        said,
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

/// A new period of the same length, begun by hand in the dashboard.
#[test]
fn an_update_of_the_same_interval_is_another_period() {
    let again = invoice("in_2", "subscription_update", 1200, START + DAY);
    let event = Known::of(subscription(), &[started(), again.clone()]).event(&webhook("invoice.paid", again));
    assert_eq!(event["insert_id"], "renewal:in_2");
    assert_eq!(event["revenue"], 12.0);
}

#[test]
fn canceled_and_changed_in_one_call() {
    let row = change(
        &trial(),
        json!({"items": items("year"), "cancel_at": TRIAL_END, "canceled_at": START + 60}),
    );
    let events = Known::of(trial(), &[]).events(&row);
    let names: Vec<_> = events.iter().map(|event| event["event_type"].clone()).collect();
    assert_eq!(names, ["Trial canceled", "Subscription changed"]);
}

#[test]
fn payment_failure_for_each_attempt() {
    let fetched = with(after_trial(), json!({"status": "past_due"}));
    let known = Known::of(fetched, &[trial_invoice()]);
    for attempt in 1..=4 {
        let failed = with(
            invoice("in_1", "subscription_cycle", 0, TRIAL_END),
            json!({"status": "open", "amount_due": 1200, "attempt_count": attempt, "status_transitions": {}}),
        );
        let event = known.event(&webhook("invoice.payment_failed", failed));
        assert_eq!(
            said(&event),
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
            "failed for good",
            ended(json!({"ended_at": end, "canceled_at": end})),
        ),
        (
            "at once, in the dashboard",
            ended(json!({"ended_at": START + 600, "canceled_at": START + 600})),
        ),
        ("an end without its moment", ended(json!({}))),
        (
            "after a trial",
            ended(json!({"ended_at": end, "trial_start": START - DAY, "trial_end": START})),
        ),
    ];
    for (why, object) in rows {
        let event =
            Known::of(object.clone(), &[started()]).event(&webhook("customer.subscription.deleted", object));
        assert_eq!(
            said(&event),
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
    // Neither a trial nor ever paid: nothing began, nothing ends.
    let never = ended(json!({"ended_at": end}));
    let row = webhook("customer.subscription.deleted", never.clone());
    assert_eq!(Known::of(never, &[]).events(&row), Vec::<Value>::new());
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
        let known = Known {
            refunded: Some("in_1".to_owned()),
            ..Known::of(subscription(), std::slice::from_ref(&paid))
        };
        let event = known.event(&webhook("invoice.paid", paid));
        assert_eq!(event["revenue"], revenue, "{currency}");
        assert_eq!(event["currency"], code);
        assert_eq!(event["event_properties"]["amount_minor"], minor);

        let back = known.event(&webhook(
            "refund.created",
            priced(refund("re_1", minor, "succeeded")),
        ));
        assert_eq!(back["revenue"], -revenue, "{currency}");
    }
}
