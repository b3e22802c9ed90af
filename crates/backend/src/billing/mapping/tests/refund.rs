//! Refunds, and those that failed.

use super::*;

fn refunding(fetched: Value) -> Known {
    Known {
        refunded: Some("in_1".to_owned()),
        ..Known::of(fetched, &[started()])
    }
}

#[test]
fn refunds() {
    let known = refunding(subscription());
    let whole = known.event(&webhook("refund.created", refund("re_1", 1200, "succeeded")));
    assert_eq!(
        said(&whole),
        (
            "Subscription refund",
            "refund:re_1",
            "active",
            Some(-12.0),
            "none by rule"
        )
    );
    assert_eq!(whole["event_properties"]["amount_minor"], 1200);
    assert_eq!(whole["event_properties"]["outcome"], "succeeded");
    assert_eq!(whole["revenueType"], "refund");

    // Each of several partial ones by its own amount.
    for (id, amount, revenue) in [("re_2", 300, -3.0), ("re_3", 1, -0.01)] {
        let event = known.event(&webhook("refund.created", refund(id, amount, "succeeded")));
        assert_eq!(event["insert_id"], format!("refund:{id}"));
        assert_eq!(event["revenue"], revenue);
    }

    // Failed later: the same money, the other way.
    let failed = known.event(&webhook("refund.failed", refund("re_1", 1200, "failed")));
    assert_eq!(
        said(&failed),
        (
            "Subscription refund",
            "refund-failed:re_1",
            "active",
            Some(12.0),
            "none by rule"
        )
    );
    assert_eq!(failed["event_properties"]["outcome"], "failed");

    // One that had to wait.
    let row = update(
        "refund.updated",
        refund("re_4", 500, "succeeded"),
        json!({"status": "pending"}),
    );
    assert_eq!(known.event(&row)["revenue"], -5.0);
}

#[test]
fn refunds_that_moved_nothing() {
    let known = refunding(subscription());
    let never_left = with(
        refund("re_1", 1200, "failed"),
        json!({"balance_transaction": null}),
    );
    let rows = [
        webhook("refund.created", refund("re_1", 1200, "pending")),
        webhook("refund.created", refund("re_1", 1200, "requires_action")),
        webhook("refund.created", refund("re_1", 1200, "failed")),
        webhook("refund.failed", never_left),
        // The bank's reference number, a note of ours.
        update(
            "refund.updated",
            refund("re_1", 1200, "succeeded"),
            json!({"destination_details": {}}),
        ),
        update(
            "refund.updated",
            refund("re_1", 1200, "succeeded"),
            json!({"metadata": {"note": null}}),
        ),
        // Told by `refund.failed`.
        update(
            "refund.updated",
            refund("re_1", 1200, "failed"),
            json!({"status": "succeeded"}),
        ),
        update(
            "refund.updated",
            refund("re_1", 1200, "canceled"),
            json!({"status": "pending"}),
        ),
    ];
    for row in rows {
        assert_eq!(known.events(&row), Vec::<Value>::new(), "{row}");
    }
}

/// What a refund reports does not depend on when it is asked.
#[test]
fn a_refund_before_and_after_the_end() {
    let ended_at = |moment: i64| with(subscription(), json!({"status": "canceled", "ended_at": moment}));
    let created = START + 500;
    for (fetched, state) in [
        (subscription(), "active"),
        (ended_at(created + 1), "active"),
        (ended_at(created), "expired"),
        (ended_at(created - 1), "expired"),
    ] {
        let row = webhook("refund.created", refund("re_1", 1200, "succeeded"));
        let event = refunding(fetched).event(&row);
        assert_eq!(event["event_properties"]["subscription_status"], state);
    }
}

/// Of the invoice that was given back, not of what the subscription is now.
#[test]
fn a_refund_has_the_interval_of_its_invoice() {
    let yearly = with(subscription(), json!({"items": items("year")}));
    let row = webhook("refund.created", refund("re_1", 1200, "succeeded"));
    let interval = |known: Known| known.event(&row)["event_properties"]["interval"].clone();
    assert_eq!(interval(refunding(yearly.clone())), "month");
    let unlisted = Known {
        refunded: Some("in_9".to_owned()),
        ..refunding(yearly)
    };
    assert_eq!(interval(unlisted), "year");
}
