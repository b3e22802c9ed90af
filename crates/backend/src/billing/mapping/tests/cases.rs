//! Field cases about items, revenue and disputes. Cases 4 and 5 are among the trials.

use super::*;

/// Items with one price of any interval and a quantity.
fn seats(price: &str, interval: (&str, u64), quantity: u64) -> Value {
    let mut items = items("month");
    let item = &mut items["data"][0];
    item["quantity"] = json!(quantity);
    item["price"]["id"] = json!(price);
    item["price"]["recurring"] = json!({"interval": interval.0, "interval_count": interval.1});
    items
}

const MONTH: (&str, u64) = ("month", 1);

/// The invoice of a change of seats: a credit for the old ones and a charge for the new ones.
fn prorated(id: &str, amount: i64, paid_at: i64) -> Value {
    let mut invoice = invoice(id, "subscription_update", amount, paid_at);
    let line = &mut invoice["lines"]["data"][0];
    line["parent"]["subscription_item_details"]["proration"] = json!(true);
    invoice
}

/// Seats are added: the interval is unchanged, both quantities are reported, and the amount is what was paid.
#[test]
fn case_1_a_change_of_seats_is_no_change_of_the_interval() {
    let mut before = with(subscription(), json!({"items": seats("price_month", MONTH, 1)}));
    let mut paid_invoices = vec![started()];
    for (seats_now, id, amount) in [(2_u64, "in_2", 1_100), (3, "in_3", 1_000)] {
        let changes = json!({"items": seats("price_month", MONTH, seats_now), "latest_invoice": id});
        let changed = change(&before, changes);
        let now = changed["data"]["object"].clone();
        let invoice = prorated(id, amount, START + DAY);
        paid_invoices.push(invoice.clone());
        let paid = webhook("invoice.paid", invoice);
        let input = InputJson::of(now.clone(), &paid_invoices).after(&[&paid, &changed]);
        let event = input.event(&paid);
        assert_eq!(
            input.event(&changed),
            event,
            "either webhook gives the same event"
        );
        let insert_id = format!("subscription-changed:{id}");
        #[expect(clippy::cast_precision_loss, reason = "a few cents")]
        let revenue = amount as f64 / 100.0;
        assert_eq!(
            summary(&event),
            (
                "Subscription changed",
                insert_id.as_str(),
                "active",
                Some(revenue),
                "checkout handoff"
            )
        );
        let properties = &event["event_properties"];
        assert_eq!(properties["previous_interval"], "month");
        assert_eq!(properties["interval"], "month");
        assert_eq!(properties["previous_quantity"], seats_now - 1);
        assert_eq!(properties["quantity"], seats_now);
        assert_eq!(properties["items"], json!([format!("price_month:{seats_now}")]));
        before = now;
    }
}

/// Seats are added or removed with the proration on the next invoice, or with none: there is no invoice of the change.
#[test]
fn case_1_a_change_without_an_invoice_is_reported_at_once() {
    let before = with(subscription(), json!({"items": seats("price_month", MONTH, 3)}));
    for seats_now in [1, 5] {
        let changed = change(&before, json!({"items": seats("price_month", MONTH, seats_now)}));
        let event = InputJson::of(before.clone(), &[started()]).event(&changed);
        let insert_id = format!("subscription-changed:sub_1:{CREATED}");
        assert_eq!(event["insert_id"], insert_id);
        assert_eq!(event.get("revenue"), None);
        assert_eq!(event["event_properties"]["previous_quantity"], 3);
        assert_eq!(event["event_properties"]["quantity"], seats_now);
        assert_eq!(event["event_properties"].get("invoice"), None);
    }
}

/// A downgrade with `always_invoice` makes an invoice with a credit: no money moves.
#[test]
fn case_1_a_credit_moves_no_money() {
    let before = with(subscription(), json!({"items": seats("price_month", MONTH, 3)}));
    let changes = json!({"items": seats("price_month", MONTH, 1), "latest_invoice": "in_2"});
    let changed = change(&before, changes);
    let credit = with(
        prorated("in_2", 0, START + DAY),
        json!({"total": -2_000, "amount_due": 0}),
    );
    let input = InputJson::of(before, &[started(), credit.clone()]).after(&[&changed]);
    let event = input.event(&webhook("invoice.paid", credit));
    assert_eq!(event.get("revenue"), None);
    assert_eq!(event["event_properties"].get("amount_minor"), None);
    assert_eq!(event["event_properties"]["invoice"], "in_2");
}

/// A second item, such as an add-on, is added.
#[test]
fn case_1_a_second_item_is_reported_with_all_items() {
    let mut both = items("month");
    let mut extra = both["data"][0].clone();
    extra["id"] = json!("si_2");
    extra["quantity"] = json!(4);
    extra["price"]["id"] = json!("price_extra");
    extra["price"]["product"] = json!("prod_2");
    // The plan's item counts, wherever it is in the list.
    both["data"].as_array_mut().unwrap().insert(0, extra);
    let changed = change(&subscription(), json!({"items": both}));
    let event = InputJson::of(subscription(), &[started()]).event(&changed);
    let properties = &event["event_properties"];
    assert_eq!(properties["items"], json!(["price_extra:4", "price_month:1"]));
    assert_eq!(properties["previous_items"], json!(["price_month:1"]));
    assert_eq!(
        (&properties["quantity"], &properties["previous_quantity"]),
        (&json!(1), &json!(1))
    );
}

/// A change of the same kind twice during a trial is two events.
#[test]
fn case_1_two_changes_of_a_trial_have_two_insert_ids() {
    let input = InputJson::of(trial(), &[trial_invoice()]);
    let yearly = change(&trial(), json!({"items": items("year")}));
    let back = with(
        change(&yearly["data"]["object"], json!({"items": items("month")})),
        json!({"created": CREATED + 5}),
    );
    let (one, other) = (input.event(&yearly), input.event(&back));
    assert_ne!(one["insert_id"], other["insert_id"]);
    assert_eq!(other["event_properties"]["previous_interval"], "year");
}

#[test]
fn case_3_an_interval_is_what_stripe_has() {
    for (interval, text) in [
        (("month", 3), "3 months"),
        (("month", 1), "month"),
        (("year", 1), "year"),
        (("year", 2), "2 years"),
        (("week", 1), "week"),
        (("day", 10), "10 days"),
    ] {
        let items = seats("price_any", interval, 1);
        let on_trial = with(trial(), json!({"items": items}));
        let created = webhook("customer.subscription.created", on_trial.clone());
        let event = InputJson::of(on_trial, &[]).event(&created);
        assert_eq!(event["event_properties"]["interval"], text);
        assert_eq!(event["user_properties"]["$set"]["account_type"], "pro", "{text}");

        let mut paid = started();
        paid["lines"]["data"][0]["pricing"]["price_details"]["price"] = json!("price_any");
        let fetched = with(subscription(), json!({"items": items}));
        let input = InputJson::of(fetched, std::slice::from_ref(&paid));
        let events = input.map(&webhook("invoice.paid", paid)).unwrap();
        let event = events[0].to_wire();
        assert_eq!(event["event_properties"]["interval"], text);
        assert_eq!(event["revenue"], 12.0, "{text}");
    }
}

/// Revenue is cash with tax: what was paid, also outside of Stripe, after coupons and the customer's balance.
#[test]
fn case_6_revenue_is_cash_with_tax() {
    let tax = |amount: i64| json!([{"amount": amount, "tax_behavior": "exclusive"}]);
    let rows = [
        ("plain", json!({}), 1_200, 0, false),
        (
            "tax included",
            json!({"total": 1_200, "total_taxes": tax(192)}),
            1_200,
            192,
            false,
        ),
        (
            "tax in an older shape",
            json!({"total": 1_200, "tax": 192}),
            1_200,
            192,
            false,
        ),
        ("out of band", json!({"paid_out_of_band": true}), 1_200, 0, true),
        (
            "out of band, newer",
            json!({"payments": {"data": [{"payment": {"type": "payment_record"}}]}}),
            1_200,
            0,
            true,
        ),
        (
            "half from the balance",
            json!({"total": 2_400, "total_taxes": tax(400)}),
            1_200,
            200,
            false,
        ),
    ];
    for (why, changes, amount, tax_minor, out_of_band) in rows {
        let paid = with(
            invoice("in_2", "subscription_cycle", 1_200, START + 30 * DAY),
            changes,
        );
        let input = InputJson::of(subscription(), &[started(), paid.clone()]);
        let event = input.event(&webhook("invoice.paid", paid));
        assert_eq!(event["revenue"], 12.0, "{why}");
        let properties = &event["event_properties"];
        assert_eq!(properties["amount_minor"], amount, "{why}");
        assert_eq!(properties["tax_minor"], tax_minor, "{why}");
        assert_eq!(properties["paid_out_of_band"], out_of_band, "{why}");
    }
    // The whole invoice from the customer's balance: no money moved.
    let credited = with(
        invoice("in_2", "subscription_cycle", 0, START + 30 * DAY),
        json!({"total": 1_200, "total_taxes": tax(192)}),
    );
    let input = InputJson::of(subscription(), &[started(), credited.clone()]);
    assert_eq!(
        input.events(&webhook("invoice.paid", credited)),
        Vec::<Value>::new()
    );
}

fn dispute(status: &str) -> Value {
    json!({
        "id": "du_1", "object": "dispute", "amount": 1_200, "currency": "usd", "status": status,
        "created": START + 500, "charge": "ch_1", "payment_intent": "pi_1",
    })
}

#[test]
fn case_7_a_lost_dispute_is_negative_revenue() {
    let input = InputJson {
        refunded: Some("in_1".to_owned()),
        ..InputJson::of(subscription(), &[started()])
    };
    let event = input.event(&webhook("charge.dispute.closed", dispute("lost")));
    assert_eq!(
        summary(&event),
        (
            "Subscription dispute",
            "dispute:du_1",
            "active",
            Some(-12.0),
            "none by rule"
        )
    );
    assert_eq!(event["revenueType"], "dispute");
    assert_eq!(event["event_properties"]["amount_minor"], 1_200);
    for (kind, status) in [
        ("charge.dispute.closed", "won"),
        ("charge.dispute.closed", "warning_closed"),
        ("charge.dispute.created", "needs_response"),
        ("charge.dispute.funds_withdrawn", "needs_response"),
        ("charge.dispute.updated", "lost"),
        ("charge.dispute.funds_reinstated", "won"),
    ] {
        let events = input.events(&webhook(kind, dispute(status)));
        assert_eq!(events, Vec::<Value>::new(), "{kind} {status}");
    }
    // A dispute about a payment without a subscription.
    let other = InputJson {
        refunded: None,
        ..input
    };
    let events = other.events(&webhook("charge.dispute.closed", dispute("lost")));
    assert_eq!(events, Vec::<Value>::new());
}
