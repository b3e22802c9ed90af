//! The exact JSON of every event, in one file each in `tests/golden`. A change of the wire format is a diff of a file.
//! `UPDATE_GOLDEN=1 cargo test -p tracking` regenerates the files.

mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tracking::{ClientEvent, ServerEvent, server, wire};

/// Replaces this crate's version in the files, so that a release does not change them.
const ANY_VERSION: &str = "seamline-server/<version>";

fn folder() -> PathBuf {
    PathBuf::from("tests/golden")
}

/// The JSON that is sent, indented.
fn server_text(event: &ServerEvent) -> String {
    serde_json::to_string_pretty(&event.wire())
        .expect("an event is JSON")
        .replace(wire::LIBRARY, ANY_VERSION)
}

fn client_text(event: &ClientEvent) -> String {
    let mut text = json!({ "name": event.name(), "properties": event.properties() });
    text.sort_all_objects();
    serde_json::to_string_pretty(&text).expect("an event is JSON")
}

fn all() -> Vec<(String, String)> {
    let server = samples::server()
        .into_iter()
        .map(|(file, event)| (file, server_text(&event)));
    let client = samples::client()
        .into_iter()
        .map(|(file, event)| (file.to_owned(), client_text(&event)));
    server.chain(client).collect()
}

#[test]
fn every_event_equals_its_golden_file() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut different = Vec::new();
    for (file, text) in all() {
        let path = folder().join(format!("{file}.json"));
        let text = format!("{text}\n");
        if update {
            fs::write(&path, &text).unwrap();
        }
        match fs::read_to_string(&path) {
            Ok(golden) if golden == text => {}
            Ok(golden) => different.push(format!("{file}.json\n--- file\n{golden}\n--- now\n{text}")),
            Err(error) => different.push(format!("{file}.json: {error}\n--- now\n{text}")),
        }
    }
    assert!(
        different.is_empty(),
        "UPDATE_GOLDEN=1 regenerates these:\n{}",
        different.join("\n")
    );
}

#[test]
fn every_event_of_the_plan_has_a_sample() {
    let server: BTreeSet<&str> = samples::server().iter().map(|(_, event)| event.name()).collect();
    assert_eq!(
        server,
        server::NAMES.iter().copied().collect(),
        "tests/samples misses a server event"
    );
    let client: BTreeSet<&str> = samples::client().iter().map(|(_, event)| event.name()).collect();
    assert_eq!(
        client,
        ClientEvent::NAMES.iter().copied().collect(),
        "tests/samples misses a client event"
    );
}

#[test]
fn wire_and_to_wire_give_the_same_json() {
    for (file, event) in samples::server() {
        let text = serde_json::to_string(&event.wire()).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            event.to_wire(),
            "{file}"
        );
    }
}

#[test]
fn no_two_events_share_an_insert_id() {
    // Variants of one change share an insert ID, so that a second one is a duplicate.
    let variants = [
        "sign-up-completed-with-email",
        "sign-out-completed-elsewhere-still-in",
    ];
    let ids: Vec<String> = samples::server()
        .into_iter()
        .filter(|(file, _)| !file.starts_with("with-context/") && !variants.contains(&file.as_str()))
        .map(|(_, event)| event.insert_id().to_string())
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

#[test]
fn client_events_round_trip_through_json() {
    for (file, event) in samples::client() {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(
            serde_json::from_str::<ClientEvent>(&text).unwrap(),
            event,
            "{file}"
        );
    }
    for forged in [
        r#"{"event":"Sign-up completed","properties":{}}"#,
        r#"{"event":"Poll restored","properties":{"poll_id":"../etc"}}"#,
        r#"{"event":"Poll restored"}"#,
        r#"{"event":"poll restored","properties":{"poll_id":"019aa5c4-0000-7000-8000-00000000000c"}}"#,
    ] {
        assert!(serde_json::from_str::<ClientEvent>(forged).is_err(), "{forged}");
    }
}
