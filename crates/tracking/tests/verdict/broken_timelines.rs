//! Broken timelines: at least one for each rule, with the rules that it breaks.

use serde_json::json;
use tracking::received::Source;
use tracking::verdict::{ConsentChange, HandoffKind, Rule, SdkSession, UndeliveredEvent};
use tracking::{Consent, Currency, DeviceId, SessionId, StitchedBy};

use crate::scenario::{DAY, MINUTE, START, Scenario, context, full_scenario, properties};

/// A scenario with an error.
pub struct BrokenTimeline {
    pub name: &'static str,
    /// The rules that are broken.
    pub breaks: &'static [Rule],
    /// An event in the findings of the first of them; empty for a missing event.
    pub event: &'static str,
    pub scenario: fn() -> Scenario,
}

pub const BROKEN_TIMELINES: &[BrokenTimeline] = &[
    BrokenTimeline {
        name: "events of two users",
        breaks: &[Rule::OnePerson, Rule::CausalOrder],
        event: "Poll created",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.event("Poll created").user = Some("019aa5c4-0000-7000-8000-00000000000b".into());
            scenario
        },
    },
    BrokenTimeline {
        name: "a server event has a new session",
        breaks: &[Rule::PresentInSession],
        event: "Sign-up completed",
        scenario: || {
            let mut scenario = full_scenario();
            let sign_up = scenario.event("Sign-up completed");
            sign_up.session = Some(sign_up.time_ms);
            scenario
        },
    },
    BrokenTimeline {
        name: "a present event lost its session",
        breaks: &[Rule::PresentInSession],
        event: "Sign-in completed",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.event("Sign-in completed").session = None;
            scenario
        },
    },
    BrokenTimeline {
        name: "a present event without stitched_by",
        breaks: &[Rule::PresentInSession],
        event: "Sign-in completed",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.event("Sign-in completed").stitched_by = None;
            scenario
        },
    },
    BrokenTimeline {
        name: "the SDK ran, and none of its events arrived",
        breaks: &[Rule::PresentInSession],
        event: "Sign-up completed",
        scenario: || {
            let mut scenario = blocked();
            scenario.facts.sdk_sessions.push(SdkSession {
                device: DeviceId::parse(&scenario.device()).unwrap(),
                session: SessionId::starting_at(scenario.session()),
            });
            scenario.event("Sign-up completed").stitched_by = Some(StitchedBy::ServerSession);
            scenario
        },
    },
    BrokenTimeline {
        name: "metadata was not written at Checkout",
        breaks: &[Rule::StitchedAsKnown],
        event: "Trial started",
        scenario: || {
            let mut scenario = full_scenario();
            unstitch(&mut scenario, "Trial started", StitchedBy::NoneKnown);
            scenario
        },
    },
    BrokenTimeline {
        name: "metadata was not written, and only the browser sent the click",
        breaks: &[Rule::StitchedAsKnown],
        event: "Trial started",
        scenario: || {
            let mut scenario = full_scenario();
            unstitch(&mut scenario, "Trial started", StitchedBy::NoneKnown);
            scenario.facts.handoffs.clear();
            scenario
        },
    },
    BrokenTimeline {
        name: "a recent handoff was treated as stale",
        breaks: &[Rule::StitchedAsKnown],
        event: "Trial canceled",
        scenario: || {
            let mut scenario = full_scenario();
            let canceled = scenario.event("Trial canceled");
            canceled.session = None;
            canceled.context.clear();
            canceled.stitched_by = Some(StitchedBy::StaleHandoff);
            scenario
        },
    },
    BrokenTimeline {
        name: "a request with a browser was sent as none known",
        breaks: &[Rule::StitchedAsKnown],
        event: "Sign-up completed",
        scenario: || {
            let mut scenario = Scenario::new();
            scenario.sign_up().poll();
            // Every event has the user, so the browser events surround the sign-up.
            let user = scenario.user.to_string();
            scenario
                .events
                .iter_mut()
                .for_each(|event| event.user = Some(user.clone()));
            unstitch(&mut scenario, "Sign-up completed", StitchedBy::NoneKnown);
            scenario
        },
    },
    BrokenTimeline {
        name: "an event carries another device than its handoff noted",
        breaks: &[Rule::StitchedAsKnown],
        event: "Trial resumed",
        scenario: || {
            let mut scenario = full_scenario();
            let resume = scenario
                .facts
                .handoffs
                .iter_mut()
                .find(|handoff| handoff.kind == HandoffKind::Resume);
            resume.unwrap().device = DeviceId::parse("another-device");
            scenario
        },
    },
    BrokenTimeline {
        name: "a renewal with the session in the metadata",
        breaks: &[Rule::SystemWithoutIds, Rule::NoStretchedSession],
        event: "Subscription renewal",
        scenario: || {
            let mut scenario = full_scenario();
            let (device, session) = (scenario.events[0].device.clone(), scenario.events[0].session);
            let renewal = scenario.event("Subscription renewal");
            renewal.derived_device = false;
            (renewal.device, renewal.session) = (device, session);
            scenario
        },
    },
    BrokenTimeline {
        name: "a renewal with the device in the metadata",
        breaks: &[Rule::SystemWithoutIds],
        event: "Subscription renewal",
        scenario: || {
            let mut scenario = full_scenario();
            let device = scenario.events[0].device.clone();
            let renewal = scenario.event("Subscription renewal");
            renewal.derived_device = false;
            renewal.device = device;
            scenario
        },
    },
    BrokenTimeline {
        name: "a sign-out five hours later in the old session",
        breaks: &[Rule::NoStretchedSession],
        event: "Sign-out completed",
        scenario: || {
            let mut scenario = Scenario::new();
            scenario.sign_up();
            let (device, session) = (scenario.device(), scenario.session());
            scenario.wait(5 * 60 * MINUTE).sign_out();
            let sign_out = scenario.event("Sign-out completed");
            (sign_out.device, sign_out.session) = (Some(device), Some(session));
            scenario
        },
    },
    BrokenTimeline {
        name: "a webhook of Checkout comes two hours later and keeps the session",
        breaks: &[Rule::NoStretchedSession],
        event: "Trial started",
        scenario: || {
            let mut scenario = Scenario::new();
            scenario.sign_up();
            let session = scenario.session();
            scenario.start_trial(120 * MINUTE);
            let started = scenario.event("Trial started");
            started.session = Some(session);
            started.context = context();
            started.stitched_by = Some(StitchedBy::CheckoutHandoff);
            scenario
        },
    },
    BrokenTimeline {
        name: "a server event was counted twice",
        breaks: &[Rule::NoDuplicates],
        event: "Sign-in completed",
        scenario: || {
            let mut scenario = full_scenario();
            let mut again = scenario.event("Sign-in completed").clone();
            again.uuid = "uuid-again".into();
            scenario.events.push(again);
            scenario
        },
    },
    BrokenTimeline {
        name: "a browser event was counted on two devices",
        breaks: &[Rule::NoDuplicates],
        event: "[Amplitude] Page Viewed",
        scenario: || {
            let mut scenario = full_scenario();
            let other = scenario.events.last().unwrap().device.clone();
            assert!(other.is_some());
            let mut again = scenario.events[0].clone();
            again.uuid = "uuid-again".into();
            again.time_ms += 1;
            again.device = Some("device-0002".into());
            scenario.events.push(again);
            scenario
        },
    },
    BrokenTimeline {
        name: "a server event has no insert ID",
        breaks: &[Rule::NoDuplicates],
        event: "Sign-in completed",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.event("Sign-in completed").insert_id = None;
            scenario
        },
    },
    BrokenTimeline {
        name: "a present event was sent without its device",
        breaks: &[Rule::PresentInSession, Rule::NoStrayDevices],
        event: "Sign-in completed",
        scenario: || {
            let mut scenario = full_scenario();
            let sign_in = scenario.event("Sign-in completed");
            sign_in.device = Some("derived-from-the-user-id".into());
            sign_in.derived_device = true;
            scenario
        },
    },
    BrokenTimeline {
        name: "a server event has a new device",
        breaks: &[Rule::NoStrayDevices],
        event: "Sign-in completed",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.event("Sign-in completed").device = Some("phantom-device".into());
            scenario
        },
    },
    BrokenTimeline {
        name: "a stale handoff that was not recorded",
        breaks: &[Rule::NoStrayDevices],
        event: "Trial started",
        scenario: || {
            let mut scenario = Scenario::new();
            scenario.sign_up().start_trial(60 * MINUTE);
            scenario.event("Trial started").device = Some("phantom-device".into());
            scenario
        },
    },
    BrokenTimeline {
        name: "a device without a user",
        breaks: &[Rule::NoStrayDevices],
        event: "[Amplitude] Page Viewed",
        scenario: || {
            let mut scenario = full_scenario();
            let mut stranger = scenario.events[0].clone();
            stranger.uuid = "uuid-stranger".into();
            stranger.insert_id = Some("insert-stranger".into());
            stranger.device = Some("orphan-device".into());
            stranger.session = Some(START + 5);
            scenario.events.push(stranger);
            scenario
        },
    },
    BrokenTimeline {
        name: "the click comes after the event of its webhook",
        breaks: &[Rule::CausalOrder],
        event: "Trial started",
        scenario: || {
            let mut scenario = full_scenario();
            let started = scenario.event("Trial started").time_ms;
            scenario.event("Trial checkout clicked").time_ms = started + 60_000;
            scenario
        },
    },
    BrokenTimeline {
        name: "the click has not arrived, though the SDK ran",
        breaks: &[Rule::CausalOrder],
        event: "Trial started",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.without("Trial checkout clicked");
            scenario
        },
    },
    BrokenTimeline {
        name: "the portal was visited after the change",
        breaks: &[Rule::CausalOrder],
        event: "Trial canceled",
        scenario: || {
            let mut scenario = full_scenario();
            let canceled = scenario.event("Trial canceled").time_ms;
            let visit = scenario
                .facts
                .handoffs
                .iter_mut()
                .find(|handoff| handoff.kind == HandoffKind::Portal);
            visit.unwrap().at_ms = canceled + 1;
            scenario
        },
    },
    BrokenTimeline {
        name: "a poll before the sign-up",
        breaks: &[Rule::CausalOrder],
        event: "Poll created",
        scenario: || {
            let mut scenario = full_scenario();
            let sign_up = scenario.event("Sign-up completed").time_ms;
            scenario.event("Poll created").time_ms = sign_up - 2_000;
            scenario
        },
    },
    BrokenTimeline {
        name: "no sign-up",
        breaks: &[Rule::CausalOrder],
        event: "Poll created",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.without("Sign-up completed");
            scenario
        },
    },
    BrokenTimeline {
        name: "a conversion without a trial",
        breaks: &[Rule::CausalOrder],
        event: "Trial canceled",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.without("Trial started");
            scenario
        },
    },
    BrokenTimeline {
        name: "a resumption before its cancellation",
        breaks: &[Rule::CausalOrder],
        event: "Subscription resumed",
        scenario: || {
            let mut scenario = full_scenario();
            let canceled = scenario.event("Subscription canceled").time_ms;
            scenario.event("Subscription resumed").time_ms = canceled - 1_000;
            scenario.facts.handoffs.clear();
            scenario
        },
    },
    BrokenTimeline {
        name: "a conversion that was parked in the outbox",
        breaks: &[Rule::CausalOrder, Rule::RevenueEqualsLedger],
        event: "Subscription renewal",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.without("Trial converted");
            scenario.facts.undelivered.push(UndeliveredEvent {
                insert_id: "trial-converted:sub_1".into(),
                entry: Some("in_1".into()),
                parked: Some("dedup window passed".into()),
            });
            scenario
        },
    },
    BrokenTimeline {
        name: "the browser sent a trial start",
        breaks: &[Rule::OneOwner],
        event: "Trial started",
        scenario: || {
            let mut scenario = full_scenario();
            let mut forged = scenario.event("Trial checkout clicked").clone();
            forged.uuid = "uuid-forged".into();
            forged.insert_id = Some("insert-forged".into());
            forged.name = "Trial started".into();
            scenario.events.push(forged);
            scenario
        },
    },
    BrokenTimeline {
        name: "the server sent a browser event",
        breaks: &[Rule::OneOwner],
        event: "Poll created",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.event("Poll created").source = Source::Server;
            scenario
        },
    },
    BrokenTimeline {
        name: "revenue from the browser",
        breaks: &[Rule::OneOwner],
        event: "Poll created",
        scenario: || {
            let mut scenario = full_scenario();
            properties(scenario.event("Poll created")).insert("$revenue".into(), json!(12.0));
            scenario
        },
    },
    BrokenTimeline {
        name: "an event that is not in the plan",
        breaks: &[Rule::OneOwner, Rule::PlanValid],
        event: "Button clicked",
        scenario: || {
            let mut scenario = full_scenario();
            let poll = scenario.event("Poll created");
            poll.name = "Button clicked".into();
            poll.plan = Some("unexpected".into());
            scenario
        },
    },
    BrokenTimeline {
        name: "a renewal without an event",
        breaks: &[Rule::RevenueEqualsLedger],
        event: "",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.without("Subscription renewal");
            scenario
        },
    },
    BrokenTimeline {
        name: "revenue that Stripe never collected",
        breaks: &[Rule::RevenueEqualsLedger],
        event: "Subscription renewal",
        scenario: || {
            let mut scenario = full_scenario();
            scenario
                .facts
                .payments
                .retain(|payment| !payment.invoice.starts_with("in_r"));
            scenario
        },
    },
    BrokenTimeline {
        name: "a refund of another amount",
        breaks: &[Rule::RevenueEqualsLedger],
        event: "Subscription refund",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.facts.refunds[0].amount.minor = 700;
            scenario
        },
    },
    BrokenTimeline {
        name: "yen divided by a hundred",
        breaks: &[Rule::RevenueEqualsLedger],
        event: "Trial converted",
        scenario: || {
            let mut scenario = Scenario::new();
            scenario.currency = Currency::parse("jpy").unwrap();
            scenario.sign_up().start_trial(30_000).convert();
            properties(scenario.event("Trial converted")).insert("$revenue".into(), json!(12.0));
            scenario
        },
    },
    BrokenTimeline {
        name: "one payment with two events and two insert IDs",
        breaks: &[Rule::RevenueEqualsLedger],
        event: "Subscription renewal",
        scenario: || {
            let mut scenario = full_scenario();
            let mut again = scenario.event("Subscription renewal").clone();
            again.uuid = "uuid-again".into();
            again.insert_id = Some("renewal:again".into());
            again.time_ms += 1;
            scenario.events.push(again);
            scenario
        },
    },
    BrokenTimeline {
        name: "a property that the plan does not have",
        breaks: &[Rule::PlanValid],
        event: "Poll created",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.event("Poll created").plan =
                Some("invalid: /option_count: \"2\" is not a number".into());
            scenario
        },
    },
    BrokenTimeline {
        name: "events after tracking was denied",
        breaks: &[Rule::NothingWithoutConsent],
        event: "Trial converted",
        scenario: || {
            let mut scenario = full_scenario();
            let converted = scenario.event("Trial converted").time_ms;
            scenario.facts.consent = vec![ConsentChange {
                at_ms: converted - DAY,
                consent: Consent::Denied,
            }];
            scenario
        },
    },
    BrokenTimeline {
        name: "the context of another browser",
        breaks: &[Rule::ContextAsInBrowser],
        event: "Trial started",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.event("Trial started").context[0].1 = "Safari".into();
            scenario
        },
    },
    BrokenTimeline {
        name: "a present event without a context",
        breaks: &[Rule::ContextAsInBrowser],
        event: "Sign-up completed",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.event("Sign-up completed").context.clear();
            scenario
        },
    },
    BrokenTimeline {
        name: "a system event with a context",
        breaks: &[Rule::ContextAsInBrowser],
        event: "Trial converted",
        scenario: || {
            let mut scenario = full_scenario();
            scenario.event("Trial converted").context = vec![("Address", "192.0.2.7".into())];
            scenario
        },
    },
    BrokenTimeline {
        name: "the campaign of another session",
        breaks: &[Rule::ContextAsInBrowser],
        event: "Sign-up completed",
        scenario: || {
            let mut scenario = full_scenario();
            let landing = properties(scenario.event("[Amplitude] Page Viewed"));
            landing.insert("utm_source".into(), json!("newsletter"));
            for event in &mut scenario.events {
                if event.source == Source::Server {
                    properties(event).insert("utm_source".into(), json!("search"));
                }
            }
            scenario
        },
    },
    BrokenTimeline {
        name: "the SDK recorded another first touch",
        breaks: &[Rule::OneFirstTouch],
        event: "[Amplitude] Page Viewed",
        scenario: || {
            let mut scenario = full_scenario();
            let view = scenario.event("[Amplitude] Page Viewed");
            view.user_properties
                .insert("initial_utm_source".into(), json!("search"));
            scenario
        },
    },
];

/// A scenario in which the SDK is blocked.
pub fn blocked() -> Scenario {
    let mut scenario = Scenario::new();
    scenario.events.clear();
    scenario.sdk = false;
    scenario.sign_up();
    scenario
}

/// Removes device, session and click from the event.
pub fn unstitch(scenario: &mut Scenario, name: &str, by: StitchedBy) {
    let event = scenario.event(name);
    event.stitched_by = Some(by);
    event.device = Some("derived-from-the-user-id".into());
    event.derived_device = true;
    event.session = None;
    event.context.clear();
    properties(event).remove("click");
    properties(event).remove("portal_visit");
}
