//! One row for each violation.

use super::*;

/// Ada signed up, signed out and signed in.
struct Evidence {
    state: DatabaseState,
    accepted: Vec<AcceptedEvent>,
    arrivals: Vec<Arrival>,
    visitors: Vec<SignedUpVisitor>,
}

impl Evidence {
    fn accept(&mut self, event: AcceptedEvent) {
        self.accepted.push(event);
    }

    fn reject(&mut self, event: AcceptedEvent) {
        self.arrivals.push(arrival(&event, "fault"));
    }
}

fn visitor(email: &str) -> Option<SignedUpVisitor> {
    Some(SignedUpVisitor {
        email: email.into(),
        device: "laptop".into(),
    })
}

fn event(insert_id: &str, name: &str, second: u32) -> AcceptedEvent {
    AcceptedEvent {
        insert_id: insert_id.into(),
        name: name.into(),
        user: "ada".into(),
        device: "laptop".into(),
        time: format!("2026-11-23 10:00:{second:02}.000000"),
        plan_status: "valid".into(),
    }
}

fn arrival(event: &AcceptedEvent, outcome: &str) -> Arrival {
    Arrival {
        insert_id: event.insert_id.clone(),
        name: event.name.clone(),
        user: event.user.clone(),
        device: event.device.clone(),
        outcome: outcome.into(),
        answered: Some(200),
    }
}

fn valid_evidence() -> Evidence {
    let login = |id: &str, created_ms, signed_out| LoginRow {
        id: id.into(),
        user: "ada".into(),
        created_ms,
        signed_out,
    };
    let accepted = vec![
        event("sign-up:ada", "Sign-up completed", 1),
        event("sign-out:one", "Sign-out completed", 2),
        event("sign-in:two", "Sign-in completed", 3),
    ];
    let mut arrivals: Vec<Arrival> = accepted.iter().map(|event| arrival(event, "accepted")).collect();
    arrivals.push(arrival(&accepted[0], "duplicate"));
    Evidence {
        state: DatabaseState {
            accounts: vec![AccountRow {
                id: "ada".into(),
                email: "ada@example.com".into(),
                created_ms: 1_000,
            }],
            logins: vec![login("one", 1_000, true), login("two", 3_000, false)],
            parked: Vec::new(),
        },
        accepted,
        arrivals,
        visitors: visitor("ada@example.com").into_iter().collect(),
    }
}

fn violations(change: impl FnOnce(&mut Evidence)) -> Vec<String> {
    let mut evidence = valid_evidence();
    change(&mut evidence);
    let Evidence {
        state,
        accepted,
        arrivals,
        visitors,
    } = evidence;
    find_violations(&state, &accepted, &arrivals, &visitors)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_duplicate_arrival_is_no_violation() {
    assert_eq!(violations(|_| ()), [""; 0]);
}

#[test]
fn each_violation_is_found() {
    type Change = fn(&mut Evidence);
    let rows: [(Change, &str); 14] = [
        (
            |evidence| drop(evidence.accepted.remove(0)),
            "sign-up:ada (Sign-up completed of ada) never arrived",
        ),
        (
            |evidence| drop(evidence.accepted.remove(1)),
            "sign-out:one (Sign-out completed of ada) never arrived",
        ),
        (
            |evidence| drop(evidence.accepted.remove(2)),
            "sign-in:two (Sign-in completed of ada) never arrived",
        ),
        (
            |evidence| evidence.accept(event("sign-in:two", "Sign-in completed", 3)),
            "sign-in:two counts 2 times",
        ),
        (
            |evidence| evidence.accept(event("sign-up:eve", "Sign-up completed", 4)),
            "sign-up:eve (Sign-up completed of ada) arrived without its change in the database",
        ),
        (
            |evidence| evidence.reject(event("sign-in:x", "Sign-in completed", 4)),
            "sign-in:x (Sign-in completed of ada) arrived without its change in the database",
        ),
        (
            |evidence| evidence.accept(event("sign-in:one", "Sign-in completed", 4)),
            "sign-in:one (Sign-in completed of ada) arrived without its change in the database",
        ),
        (
            |evidence| evidence.arrivals[3].device = "phone".into(),
            r#"sign-up:ada arrived with more than one device: {"laptop", "phone"}"#,
        ),
        (
            |evidence| evidence.accepted[0].device = "phone".into(),
            "sign-up:ada has device phone, but the browser has laptop",
        ),
        (
            |evidence| evidence.accepted.swap(1, 2),
            "ada: sign-out:one (Sign-out completed) was accepted after a later event",
        ),
        (
            |evidence| evidence.state.parked = vec![("sign-in:two".into(), "dedup window passed".into())],
            "sign-in:two is parked: dedup window passed",
        ),
        (
            |evidence| evidence.accepted[0].plan_status = "unexpected".into(),
            "sign-up:ada (Sign-up completed) is unexpected by the tracking plan",
        ),
        (
            |evidence| evidence.visitors.extend(visitor("bob@example.com")),
            "bob@example.com signed up and has no account",
        ),
        (
            |evidence| evidence.visitors.clear(),
            "account ada belongs to no visitor who signed up",
        ),
    ];
    for (change, expected) in rows {
        assert_eq!(violations(change), [expected]);
    }
}

#[test]
fn only_one_login_belongs_to_the_sign_up() {
    let second = violations(|evidence| {
        evidence.state.logins.push(LoginRow {
            id: "three".into(),
            user: "ada".into(),
            created_ms: 1_000,
            signed_out: false,
        });
    });
    assert_eq!(second, ["sign-in:three (Sign-in completed of ada) never arrived"]);
}
