//! Cancellations and resumptions, in the app and in both kinds of portal, and updates without events.

use super::*;

/// The ways in which Stripe represents a scheduled end.
fn schedules(end: i64) -> [(&'static str, Value, Value); 4] {
    [
        (
            "classic",
            json!({"cancel_at_period_end": true, "cancel_at": end}),
            json!({"cancel_at_period_end": false, "cancel_at": null}),
        ),
        (
            "classic, without a date",
            json!({"cancel_at_period_end": true}),
            json!({"cancel_at_period_end": false}),
        ),
        ("flexible", json!({"cancel_at": end}), json!({"cancel_at": null})),
        (
            "both fields, one after the other",
            json!({"cancel_at": end, "cancel_at_period_end": true}),
            json!({"cancel_at": null, "cancel_at_period_end": false}),
        ),
    ]
}

#[test]
fn canceled_and_resumed() {
    let rows = [
        (trial(), "Trial", "trial", "trial_canceled", "trialing"),
        (
            after_trial(),
            "Subscription",
            "subscription",
            "canceled",
            "active",
        ),
        (
            subscription(),
            "Subscription",
            "subscription",
            "canceled",
            "active",
        ),
        (
            with(subscription(), json!({"status": "past_due"})),
            "Subscription",
            "subscription",
            "canceled",
            "past_due",
        ),
    ];
    for (running, name, fact, canceled, resumed) in rows {
        for (why, schedule, unschedule) in schedules(TRIAL_END) {
            let input = InputJson::of(running.clone(), &[]);
            let cancel = change(
                &running,
                with(schedule.clone(), json!({"canceled_at": START + 60})),
            );
            let event = input.event(&cancel);
            assert_eq!(
                summary(&event),
                (
                    format!("{name} canceled").as_str(),
                    format!("{fact}-canceled:sub_1:{}", START + 60).as_str(),
                    canceled,
                    None,
                    "checkout handoff"
                ),
                "{why}"
            );

            let scheduled = cancel["data"]["object"].clone();
            let resume = change(&scheduled, with(unschedule, json!({"canceled_at": null})));
            let event = input.event(&resume);
            assert_eq!(
                summary(&event),
                (
                    format!("{name} resumed").as_str(),
                    format!("{fact}-resumed:sub_1:{}", START + 60).as_str(),
                    resumed,
                    None,
                    "checkout handoff"
                ),
                "{why}"
            );
        }
    }
}

#[test]
fn repeated_cancellations_have_different_insert_ids() {
    let input = InputJson::of(trial(), &[]);
    let mut running = trial();
    let mut insert_ids = std::collections::BTreeSet::new();
    for round in 0..3 {
        let cancel = change(
            &running,
            json!({"cancel_at": TRIAL_END, "canceled_at": START + 60 * round}),
        );
        let resume = change(
            &cancel["data"]["object"],
            json!({"cancel_at": null, "canceled_at": null}),
        );
        for row in [&cancel, &resume] {
            insert_ids.insert(input.event(row)["insert_id"].to_string());
        }
        running = resume["data"]["object"].clone();
    }
    assert_eq!(insert_ids.len(), 6, "{insert_ids:?}");
}

/// Without `canceled_at`, the time of the change distinguishes the cancellations.
#[test]
fn a_cancellation_without_canceled_at() {
    let input = InputJson::of(trial(), &[]);
    let cancel = change(&trial(), json!({"cancel_at": TRIAL_END}));
    assert_eq!(
        input.event(&cancel)["insert_id"],
        format!("trial-canceled:sub_1:{CREATED}")
    );
    let resume = change(&cancel["data"]["object"], json!({"cancel_at": null}));
    assert_eq!(
        input.event(&resume)["insert_id"],
        format!("trial-resumed:sub_1:{CREATED}")
    );
}

#[test]
fn updates_without_events() {
    let scheduled = with(
        trial(),
        json!({"cancel_at": TRIAL_END, "cancel_at_period_end": true, "canceled_at": START + 60}),
    );
    let rows = [
        (
            "metadata",
            trial(),
            json!({"metadata": {"seam_at": "1795000000000", "note": "x"}}),
        ),
        (
            "payment method",
            trial(),
            json!({"default_payment_method": "pm_1"}),
        ),
        (
            "period",
            subscription(),
            json!({"items": items("month"), "latest_invoice": "in_2"}),
        ),
        ("past due", subscription(), json!({"status": "past_due"})),
        (
            "recovered",
            with(subscription(), json!({"status": "past_due"})),
            json!({"status": "active"}),
        ),
        ("unpaid", subscription(), json!({"status": "unpaid"})),
        (
            "another date",
            scheduled.clone(),
            json!({"cancel_at": TRIAL_END + DAY}),
        ),
        (
            "from classic to flexible",
            scheduled.clone(),
            json!({"cancel_at_period_end": false}),
        ),
        (
            "from flexible to classic",
            scheduled.clone(),
            json!({"cancel_at": null}),
        ),
        (
            "canceled again",
            scheduled.clone(),
            json!({"canceled_at": START + 90}),
        ),
        (
            "a scheduled subscription ends",
            scheduled,
            json!({"status": "canceled", "ended_at": TRIAL_END}),
        ),
        (
            "a scheduled end of an incomplete subscription",
            with(subscription(), json!({"status": "incomplete"})),
            json!({"cancel_at": TRIAL_END}),
        ),
        (
            "an item without a price",
            trial(),
            json!({"items": {"object": "list", "data": [{
                "id": "si_1", "current_period_start": 1, "current_period_end": 2,
                "price": {"recurring": null},
            }]}}),
        ),
    ];
    for (why, before, changes) in rows {
        let row = change(&before, changes);
        assert_eq!(
            InputJson::of(before, &[]).events(&row),
            Vec::<Value>::new(),
            "{why}"
        );
    }
    let nothing_said = update("customer.subscription.updated", trial(), json!({}));
    assert_eq!(
        InputJson::of(trial(), &[]).events(&nothing_said),
        Vec::<Value>::new()
    );
}

/// The handoff rule, tested with a cancellation.
#[test]
fn the_handoff_of_a_cancellation() {
    let minute = 60;
    let metadata = |seconds: i64| json!(click(seconds).metadata());
    let of_another = handoff::StripeHandoff {
        account: UserId::new(Uuid::from_u128(2)),
        ..click(10)
    };
    let portal = |seconds: i64| vec![visit_at(CREATED - seconds)];
    let rows = [
        (
            "in-app",
            metadata(1),
            vec![],
            "checkout handoff",
            Some("device-0001"),
            true,
        ),
        (
            "in-app, an hour in Stripe's tab",
            metadata(61 * minute),
            vec![],
            "stale handoff",
            Some("device-0001"),
            false,
        ),
        (
            "in the portal, in a later session",
            metadata(9 * DAY),
            portal(30),
            "portal visit",
            Some("device-0002"),
            true,
        ),
        (
            "in a portal page opened earlier",
            metadata(9 * DAY),
            portal(31 * minute),
            "stale handoff",
            Some("device-0002"),
            false,
        ),
        (
            "in-app, after a look at the portal",
            metadata(1),
            portal(60),
            "checkout handoff",
            Some("device-0001"),
            true,
        ),
        (
            "in the dashboard, long after (case 15)",
            metadata(9 * DAY),
            vec![],
            "none known",
            None,
            false,
        ),
        (
            "in the dashboard, a minute after another change",
            metadata(minute),
            vec![],
            "none known",
            None,
            false,
        ),
        (
            "in the dashboard, two hours after a look at the portal",
            metadata(9 * DAY),
            portal(121 * minute),
            "none known",
            None,
            false,
        ),
        (
            "in the dashboard, no click ever",
            json!({}),
            vec![],
            "none known",
            None,
            false,
        ),
        (
            "metadata of another account",
            json!(of_another.metadata()),
            vec![],
            "none known",
            None,
            false,
        ),
        (
            "invalid metadata",
            json!({"seam_user": "me", "seam_at": "now"}),
            vec![],
            "none known",
            None,
            false,
        ),
    ];
    for (why, metadata, visits, stitched_by, device, in_session) in rows {
        let running = with(trial(), json!({"metadata": metadata}));
        let input = InputJson {
            visits,
            ..InputJson::of(running.clone(), &[])
        };
        // In the portal and in the dashboard the metadata of an earlier click stays.
        let change = match why.starts_with("in the") || why.starts_with("in a portal") {
            true => change_at_stripe,
            false => change,
        };
        let event = input.event(&change(
            &running,
            json!({"cancel_at": TRIAL_END, "canceled_at": START + 60}),
        ));
        assert_eq!(event["event_properties"]["stitched_by"], stitched_by, "{why}");
        assert_eq!(event.get("device_id").and_then(Value::as_str), device, "{why}");
        assert_eq!(event.get("session_id").is_some(), in_session, "{why}");
        let named = |property: &str| event["event_properties"].get(property).is_some();
        assert_eq!(named("click"), stitched_by == "checkout handoff", "{why}");
        assert_eq!(named("portal_visit"), stitched_by == "portal visit", "{why}");
    }
}

/// Stripe's times are in seconds, ours in ms. The click must still come first in the timeline.
#[test]
fn an_event_is_later_than_its_click() {
    let clicked = handoff::StripeHandoff {
        at_ms: CREATED * 1000 + 700,
        ..click(0)
    };
    let running = with(trial(), json!({"metadata": clicked.metadata()}));
    let row = webhook("customer.subscription.created", running.clone());
    let event = InputJson::of(running, &[]).event(&row);
    assert_eq!(event["time"], CREATED * 1000 + 701);
    assert_eq!(event["event_properties"]["stitched_by"], "checkout handoff");
}
