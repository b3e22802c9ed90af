//! The plan follows its naming rules and matches the events.

mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};
use tracking::catalog::{EventSpec, Owner, catalog, plan_markdown, plan_schema, server_only_properties};
use tracking::server::is_server_insert_id;
use tracking::{IdSource, PresentIds, ServerEvent, StitchedBy, UserProperty, first_touch_properties};

fn spec(name: &str) -> EventSpec {
    catalog()
        .into_iter()
        .find(|spec| spec.name == name)
        .unwrap_or_else(|| panic!("{name} is not in the plan"))
}

fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

#[test]
fn names_are_unique_and_in_sentence_case() {
    let names: Vec<&str> = catalog().iter().map(|spec| spec.name).collect();
    assert_eq!(
        names.iter().collect::<BTreeSet<_>>().len(),
        names.len(),
        "{names:?}"
    );
    for name in names {
        let (first, rest) = name.split_at(1);
        assert!(first.chars().all(|letter| letter.is_ascii_uppercase()), "{name}");
        assert!(
            rest.chars()
                .all(|letter| letter.is_ascii_lowercase() || matches!(letter, ' ' | '-')),
            "{name}"
        );
        assert!(
            words(name).iter().all(|word| !word.is_empty()) && words(name).len() >= 2,
            "{name}"
        );
    }
}

#[test]
fn user_actions_end_in_a_participle_and_system_events_do_not() {
    let participle = |word: &str| word.ends_with("ed") || matches!(word, "cast" | "shown");
    for spec in catalog() {
        let last = *words(spec.name).last().unwrap();
        match spec.owner {
            Owner::Browser | Owner::ServerPresent => assert!(participle(last), "{}", spec.name),
            // "Trial converted" keeps its established name.
            Owner::ServerSystem => {
                assert!(
                    !participle(last) || spec.name == "Trial converted",
                    "{}",
                    spec.name
                );
            }
        }
    }
}

#[test]
fn the_plan_document_is_current() {
    let path = PathBuf::from("../../docs/TRACKING_PLAN.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, plan_markdown()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(
        page == plan_markdown(),
        "UPDATE_GOLDEN=1 cargo test -p tracking regenerates docs/TRACKING_PLAN.md"
    );
}

#[test]
fn every_event_and_property_has_a_description() {
    for spec in catalog() {
        assert!(
            spec.purpose.len() > 20 && spec.purpose.ends_with('.'),
            "{}: {:?}",
            spec.name,
            spec.purpose
        );
        for (name, field) in spec.schema["properties"].as_object().unwrap() {
            let described = field["description"]
                .as_str()
                .is_some_and(|text| text.ends_with('.'));
            assert!(described, "{}: {name}: {field}", spec.name);
        }
    }
}

#[test]
fn properties_are_snake_case_and_not_personal_data() {
    let personal = [
        "email",
        "mail",
        "name",
        "first_name",
        "last_name",
        "username",
        "phone",
        "address",
        "street",
        "city",
        "zip",
        "birthday",
        "ip",
        "ip_address",
        "user_agent",
        "password",
        "token",
        "secret",
        "card",
        "question",
        "title",
    ];
    let event_properties = catalog().into_iter().flat_map(|spec| {
        let fields = spec.schema["properties"].as_object().unwrap().clone();
        fields.into_iter().map(|(name, _)| name)
    });
    // The full address is the only exception: a user property that operators can enable.
    let user_properties = UserProperty::ALL
        .iter()
        .filter(|name| **name != UserProperty::Email)
        .map(|name| name.name().to_owned());
    for name in event_properties.chain(user_properties) {
        assert!(
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{name}"
        );
        assert!(!personal.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn the_address_is_sent_only_if_the_operator_enabled_it() {
    let event = |email| {
        ServerEvent::present(
            samples::user(),
            &samples::signed_up(email),
            PresentIds::Unknown,
            0,
        )
        .to_wire()
        .to_string()
    };
    assert!(!event(None).contains("ada@"));
    assert!(event(Some("ada@example.com")).contains("ada@example.com"));
}

#[test]
fn event_properties_are_valid_by_their_schema() {
    let plan = plan_schema();
    let check = |file: &str, name: &str, properties: &Value| {
        let validator = jsonschema::validator_for(&plan["events"][name]).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(properties)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
    };
    for (file, event) in samples::server() {
        check(&file, event.name(), &event.to_wire()["event_properties"]);
    }
    for (file, event) in samples::client() {
        check(file, event.name(), &Value::Object(event.properties()));
    }
}

#[test]
fn properties_outside_the_plan_are_invalid() {
    let plan = plan_schema();
    let valid = |name: &str, properties: Value| {
        jsonschema::validator_for(&plan["events"][name])
            .unwrap()
            .is_valid(&properties)
    };
    let poll = "019aa5c4-0000-7000-8000-00000000000c";
    assert!(valid("Poll restored", json!({ "poll_id": poll })));
    assert!(
        !valid("Poll restored", json!({ "poll_id": poll, "extra": 1 })),
        "a property that is not in the plan"
    );
    assert!(!valid("Poll restored", json!({})), "a property that is missing");
    assert!(
        !valid("Poll restored", json!({ "poll_id": 7 })),
        "a property of another type"
    );
    assert!(
        !valid("Poll shared", json!({ "poll_id": poll, "method": "pigeon" })),
        "a value that is not in the list"
    );
    assert!(valid("Email verified", json!({ "stitched_by": "none known" })));
    assert!(
        !valid("Email verified", json!({ "stitched_by": "none by rule" })),
        "a present event"
    );
    assert!(!valid("Email verified", json!({})), "stitched_by is missing");

    let renewal = samples::server()
        .into_iter()
        .find(|(file, _)| file == "subscription-renewal")
        .unwrap()
        .1;
    let with = |key: &str, value: Value| {
        let mut properties = renewal.to_wire()["event_properties"].clone();
        properties[key] = value;
        valid("Subscription renewal", properties)
    };
    assert!(with("amount_minor", json!(1200)));
    assert!(!with("amount_minor", json!(12.5)), "money is whole minor units");
    assert!(!with("currency", json!("USD")));
    assert!(!with("subscription_status", json!("trialling")));
    assert!(!with("click", json!("c2b6a1c0")), "a system event has no click");
    assert!(!with("stitched_by", json!("sdk cookie")), "a system event");
    for name in [
        "page_path",
        "operating_system",
        "utm_source",
        "gclid",
        "referring_domain",
    ] {
        let verified = json!({ "stitched_by": "sdk cookie", name: "x" });
        assert!(valid("Email verified", verified), "{name} of a present event");
        assert!(!with(name, json!("x")), "{name} of a system event");
    }
}

#[test]
fn the_plan_excludes_events_of_the_sdk_and_of_amplitude() {
    let plan = plan_schema();
    let prefixes: Vec<&str> = plan["ignore_prefixes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_str().unwrap())
        .collect();
    assert_eq!(prefixes, ["[Amplitude]", "$", "session_"]);
    for name in plan["events"].as_object().unwrap().keys() {
        assert!(!prefixes.iter().any(|prefix| name.starts_with(prefix)), "{name}");
    }
    assert_eq!(plan["events"].as_object().unwrap().len(), catalog().len());
}

/// `trial-canceled:<subscription>:<canceled_at>` against `trial-canceled:sub_1:1795000000`: the same text before the
/// first colon and the same number of parts.
fn matches_pattern(pattern: &str, insert_id: &str) -> bool {
    let pattern: Vec<&str> = pattern.split(':').collect();
    let parts: Vec<&str> = insert_id.split(':').collect();
    pattern.len() == parts.len() && pattern[0] == parts[0] && parts.iter().all(|part| !part.is_empty())
}

#[test]
fn insert_ids_match_the_pattern_in_the_plan() {
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, event) in samples::server() {
        let pattern = spec(event.name())
            .insert_id
            .split(", ")
            .find(|pattern| matches_pattern(pattern, event.insert_id().as_str()));
        let pattern = pattern.unwrap_or_else(|| panic!("{file}: {}", event.insert_id()));
        seen.entry(event.name()).or_default().insert(pattern);
    }
    for spec in catalog().iter().filter(|spec| spec.owner != Owner::Browser) {
        assert_eq!(
            seen[spec.name].len(),
            spec.insert_id.split(", ").count(),
            "{}: a pattern without a sample",
            spec.name
        );
    }
}

#[test]
fn user_properties_equal_those_in_the_plan() {
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (_, event) in samples::server() {
        let wire = event.to_wire();
        let names = seen.entry(event.name()).or_default();
        for (operation, properties) in wire["user_properties"].as_object().into_iter().flatten() {
            assert!(matches!(operation.as_str(), "$set" | "$setOnce"), "{operation}");
            names.extend(properties.as_object().unwrap().keys().cloned());
        }
        // The first touch is the same set in each event that has one.
        let touch: BTreeSet<String> = first_touch_properties().map(str::to_owned).collect();
        if names.intersection(&touch).next().is_some() {
            assert!(matches!(event.name(), "Sign-up completed" | "Sign-in completed"));
            assert!(touch.is_subset(names));
            names.retain(|name| !touch.contains(name));
        }
    }
    for (name, sent) in seen {
        let planned: BTreeSet<String> = spec(name)
            .user_properties
            .iter()
            .map(|property| property.name().to_owned())
            .collect();
        assert_eq!(sent, planned, "{name}: sent on the left, planned on the right");
    }
}

#[test]
fn only_present_events_have_ids_on_the_wire() {
    let plan_owner = |event: &ServerEvent| spec(event.name()).owner;
    for (file, event) in samples::server() {
        let system = plan_owner(&event) == Owner::ServerSystem;
        assert_eq!(event.stitched_by() == StitchedBy::NoneByRule, system, "{file}");
        let wire = event.to_wire();
        assert_eq!(
            wire.get("device_id").is_some(),
            event.device().is_some(),
            "{file}"
        );
        assert_eq!(
            wire.get("session_id").is_some(),
            event.session().is_some(),
            "{file}"
        );
        assert!(
            !system || (event.device().is_none() && event.session().is_none()),
            "{file}"
        );
    }
    let rows = [
        (samples::live(IdSource::SdkCookie), "sdk cookie", true, true),
        (
            samples::live(IdSource::ServerSession),
            "server session",
            true,
            true,
        ),
        (
            samples::live(IdSource::CheckoutHandoff),
            "checkout handoff",
            true,
            true,
        ),
        (samples::live(IdSource::PortalVisit), "portal visit", true, true),
        (PresentIds::Unknown, "none known", false, false),
    ];
    for (ids, stitched_by, device, session) in rows {
        let wire = ServerEvent::present(samples::user(), &samples::signed_up(None), ids, 0).to_wire();
        assert_eq!(wire["event_properties"]["stitched_by"], stitched_by);
        assert_eq!(wire.get("device_id").is_some(), device, "{stitched_by}");
        assert_eq!(wire.get("session_id").is_some(), session, "{stitched_by}");
    }
}

#[test]
fn revenue_equals_price_and_amount() {
    let rows = [
        ("subscription-started", 12.99, "USD", "purchase"),
        ("trial-converted", 12.0, "USD", "purchase"),
        ("subscription-renewal", 1500.0, "JPY", "renewal"),
        ("subscription-changed", 120.0, "USD", "change"),
        ("subscription-charge", 5.0, "USD", "charge"),
        ("subscription-dispute", -12.99, "USD", "dispute"),
        ("subscription-refund", -12.99, "USD", "refund"),
        ("subscription-refund-failed", 12.99, "USD", "refund"),
    ];
    let rows: BTreeMap<_, _> = rows
        .into_iter()
        .map(|(file, amount, code, kind)| (file, (amount, code, kind)))
        .collect();
    let mut seen = BTreeSet::new();
    for (file, event) in samples::server() {
        let file = file.trim_start_matches("with-context/");
        let wire = event.to_wire();
        seen.insert(file.to_owned());
        let Some((amount, code, kind)) = rows.get(file) else {
            for key in [
                "price",
                "quantity",
                "revenue",
                "currency",
                "productId",
                "revenueType",
            ] {
                assert!(wire.get(key).is_none(), "{file}: no money moved, yet {key}");
            }
            continue;
        };
        let sent = json!([
            wire["price"],
            wire["quantity"],
            wire["revenue"],
            wire["currency"],
            wire["productId"],
            wire["revenueType"]
        ]);
        assert_eq!(sent, json!([amount, 1, amount, code, "pro", kind]), "{file}");
    }
    assert!(rows.keys().all(|file| seen.contains(*file)), "{seen:?}");
}

#[test]
fn insert_ids_of_server_events_are_recognised_and_those_of_browser_events_are_not() {
    for text in [
        "sign-up:019aa5c4-0000-7000-8000-000000000001",
        "trial-converted:sub_1",
        "Trial-Converted:sub_1",
        " renewal:in_1",
        "refund:re_1",
        "refund-failed:re_1",
        "poll-expiration:1:2",
    ] {
        assert!(is_server_insert_id(text), "{text}");
    }
    for text in [
        "",
        "5ad2a0a4-3a2e-4f0f-9c0a-1d9f8a6f2f11",
        "poll-created:1",
        "vote-cast:1:0",
        "sign-up",
        "x sign-up:1",
    ] {
        assert!(!is_server_insert_id(text), "{text}");
    }
}

#[test]
fn server_only_properties_are_in_no_browser_event() {
    let owned = server_only_properties();
    for name in ["stitched_by", "stripe_event", "click", "portal_visit"] {
        assert!(owned.contains(name), "{name}: {owned:?}");
    }
    for name in ["poll_id", "interval", "surface", "referrer", "screen"] {
        assert!(!owned.contains(name), "{name}");
    }
}
