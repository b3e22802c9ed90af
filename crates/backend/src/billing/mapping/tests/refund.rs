//! Refunds, and failed refunds.

use super::*;

fn refunding(fetched: Value) -> InputJson {
    InputJson {
        refunded: Some("in_1".to_owned()),
        ..InputJson::of(fetched, &[started()])
    }
}

#[test]
fn refunds() {
    let input = refunding(subscription());
    let whole = input.event(&webhook("refund.created", refund("re_1", 1200, "succeeded")));
    assert_eq!(
        summary(&whole),
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

    // Each partial refund has its own amount.
    for (id, amount, revenue) in [("re_2", 300, -3.0), ("re_3", 1, -0.01)] {
        let event = input.event(&webhook("refund.created", refund(id, amount, "succeeded")));
        assert_eq!(event["insert_id"], format!("refund:{id}"));
        assert_eq!(event["revenue"], revenue);
    }

    // Failed later: the same amount with the opposite sign.
    let failed = input.event(&webhook("refund.failed", refund("re_1", 1200, "failed")));
    assert_eq!(
        summary(&failed),
        (
            "Subscription refund",
            "refund-failed:re_1",
            "active",
            Some(12.0),
            "none by rule"
        )
    );
    assert_eq!(failed["event_properties"]["outcome"], "failed");

    // Pending, then succeeded.
    let row = update(
        "refund.updated",
        refund("re_4", 500, "succeeded"),
        json!({"status": "pending"}),
    );
    assert_eq!(input.event(&row)["revenue"], -5.0);
}

#[test]
fn refunds_without_events() {
    let input = refunding(subscription());
    let never_debited = with(
        refund("re_1", 1200, "failed"),
        json!({"balance_transaction": null}),
    );
    let rows = [
        webhook("refund.created", refund("re_1", 1200, "pending")),
        webhook("refund.created", refund("re_1", 1200, "requires_action")),
        webhook("refund.created", refund("re_1", 1200, "failed")),
        webhook("refund.failed", never_debited),
        // The bank's reference number, and a metadata note.
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
        // Reported by `refund.failed`.
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
        assert_eq!(input.events(&row), Vec::<Value>::new(), "{row}");
    }
}

/// A refund's event does not depend on the time of the fetch.
#[test]
fn the_status_of_a_refund_depends_on_its_time() {
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

/// The refunded invoice's interval, not the subscription's current one.
#[test]
fn a_refund_has_the_interval_of_its_invoice() {
    let yearly = with(subscription(), json!({"items": items("year")}));
    let row = webhook("refund.created", refund("re_1", 1200, "succeeded"));
    let interval = |input: InputJson| input.event(&row)["event_properties"]["interval"].clone();
    assert_eq!(interval(refunding(yearly.clone())), "month");
    let unlisted = InputJson {
        refunded: Some("in_9".to_owned()),
        ..refunding(yearly)
    };
    assert_eq!(interval(unlisted), "year");
}
