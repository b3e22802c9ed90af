//! One row for each promise, broken.

use super::*;

/// Ada signed up, out, and in again.
struct World {
    books: Books,
    accepted: Vec<Accepted>,
    arrivals: Vec<Arrival>,
    visitors: Vec<Visitor>,
}

impl World {
    fn take(&mut self, event: Accepted) {
        self.accepted.push(event);
    }

    fn turn_away(&mut self, event: Accepted) {
        self.arrivals.push(arrival(&event, "fault"));
    }
}

fn visitor(email: &str) -> Option<Visitor> {
    Some(Visitor {
        email: email.into(),
        device: "laptop".into(),
    })
}

fn event(insert_id: &str, name: &str, second: u32) -> Accepted {
    Accepted {
        insert_id: insert_id.into(),
        name: name.into(),
        user: "ada".into(),
        device: "laptop".into(),
        time: format!("2026-11-23 10:00:{second:02}.000000"),
        plan: "valid".into(),
    }
}

fn arrival(event: &Accepted, outcome: &str) -> Arrival {
    Arrival {
        insert_id: event.insert_id.clone(),
        name: event.name.clone(),
        user: event.user.clone(),
        device: event.device.clone(),
        outcome: outcome.into(),
        answered: Some(200),
    }
}

fn good() -> World {
    let login = |id: &str, created_ms, signed_out| Login {
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
    World {
        books: Books {
            accounts: vec![Account {
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

fn offences(change: impl FnOnce(&mut World)) -> Vec<String> {
    let mut world = good();
    change(&mut world);
    let World {
        books,
        accepted,
        arrivals,
        visitors,
    } = world;
    judge(&books, &accepted, &arrivals, &visitors)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_repeat_is_no_offence() {
    assert_eq!(offences(|_| ()), [""; 0]);
}

#[test]
fn every_broken_promise_is_named() {
    type Change = fn(&mut World);
    let rows: [(Change, &str); 14] = [
        (
            |world| drop(world.accepted.remove(0)),
            "sign-up:ada (Sign-up completed of ada) never arrived",
        ),
        (
            |world| drop(world.accepted.remove(1)),
            "sign-out:one (Sign-out completed of ada) never arrived",
        ),
        (
            |world| drop(world.accepted.remove(2)),
            "sign-in:two (Sign-in completed of ada) never arrived",
        ),
        (
            |world| world.take(event("sign-in:two", "Sign-in completed", 3)),
            "sign-in:two counts 2 times",
        ),
        (
            |world| world.take(event("sign-up:eve", "Sign-up completed", 4)),
            "sign-up:eve (Sign-up completed of ada) arrived, and nothing in the database stands behind it",
        ),
        (
            |world| world.turn_away(event("sign-in:x", "Sign-in completed", 4)),
            "sign-in:x (Sign-in completed of ada) arrived, and nothing in the database stands behind it",
        ),
        (
            |world| world.take(event("sign-in:one", "Sign-in completed", 4)),
            "sign-in:one (Sign-in completed of ada) arrived, and nothing in the database stands behind it",
        ),
        (
            |world| world.arrivals[3].device = "phone".into(),
            r#"sign-up:ada arrived with more than one device: {"laptop", "phone"}"#,
        ),
        (
            |world| world.accepted[0].device = "phone".into(),
            "sign-up:ada carries device phone, and was brought about in browser laptop",
        ),
        (
            |world| world.accepted.swap(1, 2),
            "of ada, sign-out:one (Sign-out completed) was taken after something that happened later",
        ),
        (
            |world| world.books.parked = vec![("sign-in:two".into(), "dedup window passed".into())],
            "sign-in:two is parked: dedup window passed",
        ),
        (
            |world| world.accepted[0].plan = "unexpected".into(),
            "sign-up:ada (Sign-up completed) is unexpected by the tracking plan",
        ),
        (
            |world| world.visitors.extend(visitor("bob@example.com")),
            "bob@example.com signed up and has no account",
        ),
        (
            |world| world.visitors.clear(),
            "account ada belongs to nobody who signed up",
        ),
    ];
    for (change, expected) in rows {
        assert_eq!(offences(change), [expected]);
    }
}

#[test]
fn only_one_login_is_the_sign_ups_own() {
    let second = offences(|world| {
        world.books.logins.push(Login {
            id: "three".into(),
            user: "ada".into(),
            created_ms: 1_000,
            signed_out: false,
        });
    });
    assert_eq!(second, ["sign-in:three (Sign-in completed of ada) never arrived"]);
}
