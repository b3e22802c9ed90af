//! A bad timeline for each rule: each breaks the rules that it names, and no other.

use serde_json::json;
use tracking::received::Source;
use tracking::verdict::{ConsentChange, Facts, Rule, Scripted, Standing, Undelivered, Way, verdict};
use tracking::{Consent, Currency, DeviceId, SessionId, StitchedBy};

use crate::life::{DAY, Life, MINUTE, START, whole};

/// What is done to a well-made life.
struct Seed {
    name: &'static str,
    /// The rules that it breaks.
    breaks: &'static [Rule],
    /// An event that the first of them names.
    names: &'static str,
    life: fn() -> Life,
}

const SEEDS: &[Seed] = &[
    Seed {
        name: "events of two users",
        breaks: &[Rule::OnePerson, Rule::CausalOrder],
        names: "Poll created",
        life: || {
            let mut life = whole();
            life.event("Poll created").user = Some("019aa5c4-0000-7000-8000-00000000000b".into());
            life
        },
    },
    Seed {
        name: "the server made a session of its own",
        breaks: &[Rule::PresentInSession],
        names: "Sign-up completed",
        life: || {
            let mut life = whole();
            let sign_up = life.event("Sign-up completed");
            sign_up.session = Some(sign_up.time_ms);
            life
        },
    },
    Seed {
        name: "a present event lost its session",
        breaks: &[Rule::PresentInSession],
        names: "Sign-in completed",
        life: || {
            let mut life = whole();
            life.event("Sign-in completed").session = None;
            life
        },
    },
    Seed {
        name: "a present event does not say how it was stitched",
        breaks: &[Rule::PresentInSession],
        names: "Sign-in completed",
        life: || {
            let mut life = whole();
            life.event("Sign-in completed").stitched_by = None;
            life
        },
    },
    Seed {
        name: "the SDK ran, and none of its events arrived",
        breaks: &[Rule::PresentInSession],
        names: "Sign-up completed",
        life: || {
            let mut life = blocked();
            life.facts.scripted.push(Scripted {
                device: DeviceId::parse(&life.device()).unwrap(),
                session: SessionId::starting_at(life.session()),
            });
            life.event("Sign-up completed").stitched_by = Some(StitchedBy::ServerSession);
            life
        },
    },
    Seed {
        name: "metadata was not written at Checkout",
        breaks: &[Rule::StitchedAsKnown],
        names: "Trial started",
        life: || {
            let mut life = whole();
            unstitch(&mut life, "Trial started", StitchedBy::NoneKnown);
            life
        },
    },
    Seed {
        name: "metadata was not written, and only the browser tells of the click",
        breaks: &[Rule::StitchedAsKnown],
        names: "Trial started",
        life: || {
            let mut life = whole();
            unstitch(&mut life, "Trial started", StitchedBy::NoneKnown);
            life.facts.handoffs.clear();
            life
        },
    },
    Seed {
        name: "a young handoff was taken for a stale one",
        breaks: &[Rule::StitchedAsKnown],
        names: "Trial canceled",
        life: || {
            let mut life = whole();
            let canceled = life.event("Trial canceled");
            canceled.session = None;
            canceled.stitched_by = Some(StitchedBy::StaleHandoff);
            life
        },
    },
    Seed {
        name: "a request that had a browser says that it knows none",
        breaks: &[Rule::StitchedAsKnown],
        names: "Sign-up completed",
        life: || {
            let mut life = Life::new();
            life.sign_up().poll();
            // Signed in all along, as far as the pages knew.
            let user = life.user.to_string();
            life.events
                .iter_mut()
                .for_each(|event| event.user = Some(user.clone()));
            unstitch(&mut life, "Sign-up completed", StitchedBy::NoneKnown);
            life
        },
    },
    Seed {
        name: "an event carries another device than its handoff noted",
        breaks: &[Rule::StitchedAsKnown],
        names: "Trial resumed",
        life: || {
            let mut life = whole();
            let resume = life
                .facts
                .handoffs
                .iter_mut()
                .find(|handoff| handoff.way == Way::Resume);
            resume.unwrap().device = DeviceId::parse("another-device");
            life
        },
    },
    Seed {
        name: "a renewal took the session that metadata still has",
        breaks: &[Rule::SystemWithoutIds, Rule::NoStretchedSession],
        names: "Subscription renewal",
        life: || {
            let mut life = whole();
            let (device, session) = (life.events[0].device.clone(), life.events[0].session);
            let renewal = life.event("Subscription renewal");
            renewal.derived_device = false;
            (renewal.device, renewal.session) = (device, session);
            life
        },
    },
    Seed {
        name: "a renewal took the device that metadata still has",
        breaks: &[Rule::SystemWithoutIds],
        names: "Subscription renewal",
        life: || {
            let mut life = whole();
            let device = life.events[0].device.clone();
            let renewal = life.event("Subscription renewal");
            renewal.derived_device = false;
            renewal.device = device;
            life
        },
    },
    Seed {
        name: "a sign-out five hours later in the old session",
        breaks: &[Rule::NoStretchedSession],
        names: "Sign-out completed",
        life: || {
            let mut life = Life::new();
            life.sign_up();
            let (device, session) = (life.device(), life.session());
            life.wait(5 * 60 * MINUTE).sign_out();
            let sign_out = life.event("Sign-out completed");
            (sign_out.device, sign_out.session) = (Some(device), Some(session));
            life
        },
    },
    Seed {
        name: "a webhook of Checkout comes two hours later and keeps the session",
        breaks: &[Rule::NoStretchedSession],
        names: "Trial started",
        life: || {
            let mut life = Life::new();
            life.sign_up();
            let session = life.session();
            life.start_trial(120 * MINUTE);
            let started = life.event("Trial started");
            started.session = Some(session);
            started.stitched_by = Some(StitchedBy::CheckoutHandoff);
            life
        },
    },
    Seed {
        name: "a server event was counted twice",
        breaks: &[Rule::NoDuplicates],
        names: "Sign-in completed",
        life: || {
            let mut life = whole();
            let mut again = life.event("Sign-in completed").clone();
            again.uuid = "uuid-again".into();
            life.events.push(again);
            life
        },
    },
    Seed {
        name: "a browser event was counted on two devices",
        breaks: &[Rule::NoDuplicates],
        names: "[Amplitude] Page Viewed",
        life: || {
            let mut life = whole();
            let other = life.events.last().unwrap().device.clone();
            assert!(other.is_some());
            let mut again = life.events[0].clone();
            again.uuid = "uuid-again".into();
            again.time_ms += 1;
            again.device = Some("device-0002".into());
            life.events.push(again);
            life
        },
    },
    Seed {
        name: "a server event has no insert ID",
        breaks: &[Rule::NoDuplicates],
        names: "Sign-in completed",
        life: || {
            let mut life = whole();
            life.event("Sign-in completed").insert_id = None;
            life
        },
    },
    Seed {
        name: "a present event was sent without its device",
        breaks: &[Rule::PresentInSession, Rule::NoStrayDevices],
        names: "Sign-in completed",
        life: || {
            let mut life = whole();
            let sign_in = life.event("Sign-in completed");
            sign_in.device = Some("made-of-the-user-id".into());
            sign_in.derived_device = true;
            life
        },
    },
    Seed {
        name: "the server made a device of its own",
        breaks: &[Rule::NoStrayDevices],
        names: "Sign-in completed",
        life: || {
            let mut life = whole();
            life.event("Sign-in completed").device = Some("phantom-device".into());
            life
        },
    },
    Seed {
        name: "a stale handoff that nobody noted",
        breaks: &[Rule::NoStrayDevices],
        names: "Trial started",
        life: || {
            let mut life = Life::new();
            life.sign_up().start_trial(60 * MINUTE);
            life.event("Trial started").device = Some("phantom-device".into());
            life
        },
    },
    Seed {
        name: "a stranger's device is in the story",
        breaks: &[Rule::NoStrayDevices],
        names: "[Amplitude] Page Viewed",
        life: || {
            let mut life = whole();
            let mut stranger = life.events[0].clone();
            stranger.uuid = "uuid-stranger".into();
            stranger.insert_id = Some("insert-stranger".into());
            stranger.device = Some("orphan-device".into());
            stranger.session = Some(START + 5);
            life.events.push(stranger);
            life
        },
    },
    Seed {
        name: "the click comes after the event of its webhook",
        breaks: &[Rule::CausalOrder],
        names: "Trial started",
        life: || {
            let mut life = whole();
            let started = life.event("Trial started").time_ms;
            life.event("Trial checkout clicked").time_ms = started + 60_000;
            life
        },
    },
    Seed {
        name: "the click has not arrived, though the SDK ran",
        breaks: &[Rule::CausalOrder],
        names: "Trial started",
        life: || {
            let mut life = whole();
            life.without("Trial checkout clicked");
            life
        },
    },
    Seed {
        name: "the portal was visited after the change",
        breaks: &[Rule::CausalOrder],
        names: "Trial canceled",
        life: || {
            let mut life = whole();
            let canceled = life.event("Trial canceled").time_ms;
            let visit = life
                .facts
                .handoffs
                .iter_mut()
                .find(|handoff| handoff.way == Way::Portal);
            visit.unwrap().at_ms = canceled + 1;
            life
        },
    },
    Seed {
        name: "a poll before the sign-up",
        breaks: &[Rule::CausalOrder],
        names: "Poll created",
        life: || {
            let mut life = whole();
            let sign_up = life.event("Sign-up completed").time_ms;
            life.event("Poll created").time_ms = sign_up - 2_000;
            life
        },
    },
    Seed {
        name: "nobody signed up",
        breaks: &[Rule::CausalOrder],
        names: "Poll created",
        life: || {
            let mut life = whole();
            life.without("Sign-up completed");
            life
        },
    },
    Seed {
        name: "a conversion without a trial",
        breaks: &[Rule::CausalOrder],
        names: "Trial canceled",
        life: || {
            let mut life = whole();
            life.without("Trial started");
            life
        },
    },
    Seed {
        name: "a resumption before its cancellation",
        breaks: &[Rule::CausalOrder],
        names: "Subscription resumed",
        life: || {
            let mut life = whole();
            let canceled = life.event("Subscription canceled").time_ms;
            life.event("Subscription resumed").time_ms = canceled - 1_000;
            life.facts.handoffs.clear();
            life
        },
    },
    Seed {
        name: "a conversion that was parked in the outbox",
        breaks: &[Rule::CausalOrder, Rule::RevenueEqualsLedger],
        names: "Subscription renewal",
        life: || {
            let mut life = whole();
            life.without("Trial converted");
            life.facts.undelivered.push(Undelivered {
                insert_id: "trial-converted:sub_1".into(),
                entry: Some("in_1".into()),
                parked: Some("dedup window passed".into()),
            });
            life
        },
    },
    Seed {
        name: "the browser says that a trial has started",
        breaks: &[Rule::OneOwner],
        names: "Trial started",
        life: || {
            let mut life = whole();
            let mut forged = life.event("Trial checkout clicked").clone();
            forged.uuid = "uuid-forged".into();
            forged.insert_id = Some("insert-forged".into());
            forged.name = "Trial started".into();
            life.events.push(forged);
            life
        },
    },
    Seed {
        name: "the server says what the browser owns",
        breaks: &[Rule::OneOwner],
        names: "Poll created",
        life: || {
            let mut life = whole();
            life.event("Poll created").source = Source::Server;
            life
        },
    },
    Seed {
        name: "revenue from the browser",
        breaks: &[Rule::OneOwner],
        names: "Poll created",
        life: || {
            let mut life = whole();
            life.event("Poll created")
                .properties
                .insert("$revenue".into(), json!(12.0));
            life
        },
    },
    Seed {
        name: "an event that nobody has planned",
        breaks: &[Rule::OneOwner, Rule::PlanValid],
        names: "Button clicked",
        life: || {
            let mut life = whole();
            let poll = life.event("Poll created");
            poll.name = "Button clicked".into();
            poll.plan = Some("unexpected".into());
            life
        },
    },
    Seed {
        name: "a renewal without its event",
        breaks: &[Rule::RevenueEqualsLedger],
        names: "",
        life: || {
            let mut life = whole();
            life.without("Subscription renewal");
            life
        },
    },
    Seed {
        name: "revenue that Stripe never collected",
        breaks: &[Rule::RevenueEqualsLedger],
        names: "Subscription renewal",
        life: || {
            let mut life = whole();
            life.facts
                .payments
                .retain(|payment| !payment.invoice.starts_with("in_r"));
            life
        },
    },
    Seed {
        name: "a refund of another amount",
        breaks: &[Rule::RevenueEqualsLedger],
        names: "Subscription refund",
        life: || {
            let mut life = whole();
            life.facts.refunds[0].amount.minor = 700;
            life
        },
    },
    Seed {
        name: "yen divided by a hundred",
        breaks: &[Rule::RevenueEqualsLedger],
        names: "Trial converted",
        life: || {
            let mut life = Life::new();
            life.currency = Currency::parse("jpy").unwrap();
            life.sign_up().start_trial(30_000).convert();
            life.event("Trial converted")
                .properties
                .insert("$revenue".into(), json!(12.0));
            life
        },
    },
    Seed {
        name: "one payment told twice under two insert IDs",
        breaks: &[Rule::RevenueEqualsLedger],
        names: "Subscription renewal",
        life: || {
            let mut life = whole();
            let mut again = life.event("Subscription renewal").clone();
            again.uuid = "uuid-again".into();
            again.insert_id = Some("renewal:again".into());
            again.time_ms += 1;
            life.events.push(again);
            life
        },
    },
    Seed {
        name: "a property that the plan does not have",
        breaks: &[Rule::PlanValid],
        names: "Poll created",
        life: || {
            let mut life = whole();
            life.event("Poll created").plan = Some("invalid: /option_count: \"2\" is not a number".into());
            life
        },
    },
    Seed {
        name: "events after tracking was refused",
        breaks: &[Rule::NothingWithoutConsent],
        names: "Trial converted",
        life: || {
            let mut life = whole();
            let converted = life.event("Trial converted").time_ms;
            life.facts.consent = vec![ConsentChange {
                at_ms: converted - DAY,
                consent: Consent::Denied,
            }];
            life
        },
    },
];

/// A life in which the SDK is blocked.
fn blocked() -> Life {
    let mut life = Life::new();
    life.events.clear();
    life.sdk = false;
    life.sign_up();
    life
}

/// As if the event had been sent with a user ID and nothing else.
fn unstitch(life: &mut Life, name: &str, by: StitchedBy) {
    let event = life.event(name);
    event.stitched_by = Some(by);
    event.device = Some("made-of-the-user-id".into());
    event.derived_device = true;
    event.session = None;
    event.properties.remove("click");
    event.properties.remove("portal_visit");
}

#[test]
fn a_well_made_life_is_clean_and_needs_no_explanation() {
    let life = whole();
    let verdict = verdict(&life.events, &life.facts);
    assert!(verdict.clean, "{:#?}", verdict.rulings);
    assert_eq!(verdict.rules(Standing::Holds), Rule::ALL);
    assert_eq!(verdict.in_words(), "Every rule holds.");
    // And no rule holds because there was nothing to look at, but that consent was never refused.
    let idle: Vec<Rule> = verdict
        .rulings
        .iter()
        .filter(|ruling| ruling.checked == 0)
        .map(|ruling| ruling.rule)
        .collect();
    assert_eq!(idle, [Rule::NothingWithoutConsent]);
}

#[test]
fn each_seed_breaks_the_rules_that_it_names_and_no_other() {
    for seed in SEEDS {
        let life = (seed.life)();
        let verdict = verdict(&life.events, &life.facts);
        let broken = verdict.rules(Standing::Broken);
        assert_eq!(broken, seed.breaks, "{}: {:#?}", seed.name, verdict.rulings);
        assert!(!verdict.clean, "{}", seed.name);
        let first = verdict
            .rulings
            .iter()
            .find(|ruling| ruling.rule == seed.breaks[0])
            .unwrap();
        let named = first
            .findings
            .iter()
            .filter(|finding| finding.standing == Standing::Broken);
        let names: Vec<&str> = named
            .clone()
            .map(|finding| finding.event.as_ref().map_or("", |event| event.name.as_str()))
            .collect();
        assert!(names.contains(&seed.names), "{}: {names:?}", seed.name);
        for finding in named {
            assert!(finding.reason.ends_with('.'), "{}: {}", seed.name, finding.reason);
        }
    }
}

#[test]
fn every_rule_has_a_seed() {
    for rule in Rule::ALL {
        let seeded = SEEDS.iter().any(|seed| seed.breaks[0] == rule);
        assert!(seeded, "{}", rule.title());
    }
}

/// What is out of the ordinary and as it should be: which rule says so.
#[test]
fn what_the_facts_explain_is_clean() {
    type Row = (&'static str, &'static [Rule], fn() -> Life);
    let rows: [Row; 9] = [
        ("the SDK never ran", &[Rule::PresentInSession], || {
            let mut life = blocked();
            life.sign_out().sign_in();
            life
        }),
        (
            "an hour of pages that nobody tells of",
            &[Rule::PresentInSession, Rule::NoStretchedSession],
            || {
                let mut life = blocked();
                let session = life.session();
                life.wait(60 * MINUTE).sign_out();
                life.event("Sign-out completed").session = Some(session);
                life
            },
        ),
        (
            "Checkout without the SDK",
            &[Rule::PresentInSession, Rule::CausalOrder],
            || {
                let mut life = blocked();
                life.start_trial(30_000);
                life
            },
        ),
        (
            "a webhook that comes an hour after the click",
            &[Rule::StitchedAsKnown],
            || {
                let mut life = Life::new();
                life.sign_up().start_trial(60 * MINUTE).convert();
                life
            },
        ),
        ("a change in Stripe's dashboard", &[Rule::StitchedAsKnown], || {
            let mut life = Life::new();
            life.sign_up().start_trial(30_000).cancel_at_stripe();
            life
        }),
        (
            "a browser that has not shown a device yet",
            &[Rule::StitchedAsKnown],
            || {
                let mut life = blocked();
                unstitch(&mut life, "Sign-up completed", StitchedBy::NoneKnown);
                life
            },
        ),
        (
            "a conversion on its way",
            &[Rule::CausalOrder, Rule::RevenueEqualsLedger],
            || {
                let mut life = whole();
                life.without("Trial converted");
                life.facts.undelivered.push(Undelivered {
                    insert_id: "trial-converted:sub_1".into(),
                    entry: Some("in_1".into()),
                    parked: None,
                });
                life
            },
        ),
        (
            "a clock that is half a second ahead",
            &[Rule::CausalOrder],
            || {
                let mut life = whole();
                let started = life.event("Trial started").time_ms;
                life.event("Trial checkout clicked").time_ms = started + 500;
                life
            },
        ),
        (
            "tracking refused before the renewal",
            &[Rule::RevenueEqualsLedger],
            || {
                let mut life = Life::new();
                life.sign_up().start_trial(30_000).convert();
                life.facts.consent.push(ConsentChange {
                    at_ms: life.now + 1,
                    consent: Consent::Denied,
                });
                life.renew();
                life.without("Subscription renewal");
                life
            },
        ),
    ];
    for (name, explained, life) in rows {
        let life = life();
        let verdict = verdict(&life.events, &life.facts);
        assert!(verdict.clean, "{name}: {:#?}", verdict.rulings);
        assert_eq!(
            verdict.rules(Standing::Explained),
            explained,
            "{name}: {:#?}",
            verdict.rulings
        );
    }
}

#[test]
fn agreeing_later_explains_a_missing_sign_up() {
    let mut life = whole();
    let agreed = life.event("Sign-up completed").time_ms + 1;
    life.events.retain(|event| event.time_ms > agreed);
    life.facts.consent.push(ConsentChange {
        at_ms: agreed,
        consent: Consent::Granted,
    });
    let verdict = verdict(&life.events, &life.facts);
    assert!(verdict.clean, "{:#?}", verdict.rulings);
    assert_eq!(verdict.rules(Standing::Explained), [Rule::CausalOrder]);
}

#[test]
fn what_was_not_read_cannot_be_missed() {
    let mut life = whole();
    let cut = life.event("Subscription refund").time_ms;
    life.events.retain(|event| event.time_ms >= cut);
    life.facts.read_from_ms = Some(cut);
    let verdict = verdict(&life.events, &life.facts);
    assert!(verdict.clean, "{:#?}", verdict.rulings);
}

#[test]
fn elsewhere_a_made_up_device_is_one_that_no_browser_has() {
    let mut life = whole();
    for event in &mut life.events {
        event.raw = json!({});
        event.derived_device = false;
        event.plan = None;
    }
    assert!(verdict(&life.events, &life.facts).clean);
    let device = life.events[0].device.clone();
    life.event("Subscription renewal").device = device;
    let broken = verdict(&life.events, &life.facts).rules(Standing::Broken);
    assert_eq!(broken, [Rule::SystemWithoutIds]);
}

#[test]
fn it_is_json_and_back() {
    let life = whole();
    let judged = verdict(&life.events, &life.facts);
    let json = serde_json::to_value(&judged).unwrap();
    assert_eq!(json["clean"], true);
    assert_eq!(json["rulings"][0]["rule"], "one person");
    assert_eq!(json["rulings"][0]["standing"], "holds");
    for ruling in &judged.rulings {
        assert_eq!(serde_json::to_value(ruling.rule).unwrap(), ruling.rule.title());
    }
    assert_eq!(
        serde_json::from_value::<tracking::verdict::Verdict>(json).unwrap(),
        judged
    );
    let facts: Facts = serde_json::from_str(&serde_json::to_string(&life.facts).unwrap()).unwrap();
    assert_eq!(facts, life.facts);
    assert_eq!(serde_json::from_str::<Facts>("{}").unwrap(), Facts::default());
}

#[test]
fn nobody_is_clean() {
    let nobody = verdict(&[], &Facts::default());
    assert!(nobody.clean);
    assert_eq!((nobody.events, nobody.span_ms), (0, None));
}
