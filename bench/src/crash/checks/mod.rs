//! Compares the app's database with the collector's log and returns the violations. Pure.

mod evidence;
mod violation;

use std::collections::{BTreeMap, BTreeSet};

pub use evidence::{AcceptedEvent, AccountRow, Arrival, DatabaseState, LoginRow, SignedUpVisitor};
pub use violation::Violation;

/// Returns all violations in a stable order.
pub fn find_violations(
    state: &DatabaseState,
    accepted: &[AcceptedEvent],
    arrivals: &[Arrival],
    visitors: &[SignedUpVisitor],
) -> Vec<Violation> {
    let expected = expected(state);
    let mut violations = account_violations(state, visitors);
    violations.extend(missing_or_doubled(&expected, accepted));
    violations.extend(unexpected(&expected, accepted, arrivals));
    violations.extend(changed_arrivals(arrivals));
    violations.extend(wrong_devices(state, accepted, visitors));
    violations.extend(out_of_order(accepted));
    violations.extend(state.parked.iter().map(|(insert_id, reason)| Violation::Parked {
        insert_id: insert_id.clone(),
        reason: reason.clone(),
    }));
    violations.extend(off_plan(accepted));
    violations.sort();
    violations.dedup();
    violations
}

/// Name and user of each expected event, by insert ID.
type Expected = BTreeMap<String, (&'static str, String)>;

/// Returns the events that the database requires: one for each account, each login except the one that a sign-up opens,
/// and each sign-out.
fn expected(state: &DatabaseState) -> Expected {
    let mut expected = Expected::new();
    let mut signed_up: BTreeMap<&str, i64> = BTreeMap::new();
    for account in &state.accounts {
        expected.insert(
            format!("sign-up:{}", account.id),
            ("Sign-up completed", account.id.clone()),
        );
        signed_up.insert(&account.id, account.created_ms);
    }
    for login in &state.logins {
        // A sign-up's login has the same time as its account. The account is removed here, so that a second login of the same
        // time still requires its event.
        let opened_by_sign_up = signed_up.get(login.user.as_str()) == Some(&login.created_ms);
        if opened_by_sign_up {
            signed_up.remove(login.user.as_str());
        } else {
            expected.insert(
                format!("sign-in:{}", login.id),
                ("Sign-in completed", login.user.clone()),
            );
        }
        if login.signed_out {
            expected.insert(
                format!("sign-out:{}", login.id),
                ("Sign-out completed", login.user.clone()),
            );
        }
    }
    expected
}

/// Visitors without an account, and accounts without a visitor.
fn account_violations(state: &DatabaseState, visitors: &[SignedUpVisitor]) -> Vec<Violation> {
    let signed_up: BTreeSet<&str> = visitors.iter().map(|visitor| visitor.email.as_str()).collect();
    let stored: BTreeSet<&str> = state
        .accounts
        .iter()
        .map(|account| account.email.as_str())
        .collect();
    let missing = signed_up.difference(&stored).map(|email| Violation::NoAccount {
        email: (*email).to_owned(),
    });
    let stray = state
        .accounts
        .iter()
        .filter(|account| !signed_up.contains(account.email.as_str()))
        .map(|account| Violation::StrayAccount {
            user: account.id.clone(),
        });
    missing.chain(stray).collect()
}

/// Expected events that were accepted never or more than once.
fn missing_or_doubled(expected: &Expected, accepted: &[AcceptedEvent]) -> Vec<Violation> {
    let mut times: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for event in accepted {
        *times
            .entry((&event.insert_id, &event.name, &event.user))
            .or_default() += 1;
    }
    let violation = |(insert_id, (name, user)): (&String, &(&'static str, String))| {
        let (insert_id, name, user) = (insert_id.clone(), *name, user.clone());
        match times
            .get(&(insert_id.as_str(), name, user.as_str()))
            .copied()
            .unwrap_or(0)
        {
            0 => Some(Violation::Missing {
                insert_id,
                name,
                user,
            }),
            1 => None,
            times => Some(Violation::Doubled { insert_id, times }),
        }
    };
    expected.iter().filter_map(violation).collect()
}

/// Events without a change in the database. Includes arrivals that were not accepted, which must not have been sent.
fn unexpected(expected: &Expected, accepted: &[AcceptedEvent], arrivals: &[Arrival]) -> Vec<Violation> {
    let accepted = accepted
        .iter()
        .map(|event| (&event.insert_id, &event.name, &event.user));
    let arrived = arrivals
        .iter()
        .map(|event| (&event.insert_id, &event.name, &event.user));
    let is_expected = |(insert_id, name, user): &(&String, &String, &String)| {
        expected
            .get(*insert_id)
            .is_some_and(|(known, owner)| *known == name.as_str() && owner == *user)
    };
    let unexpected = accepted.chain(arrived).filter(|event| !is_expected(event));
    unexpected
        .map(|(insert_id, name, user)| Violation::Unexpected {
            insert_id: insert_id.clone(),
            name: name.clone(),
            user: user.clone(),
        })
        .collect()
}

/// Arrivals of one insert ID with different devices, users or names.
pub(super) fn changed_arrivals(arrivals: &[Arrival]) -> Vec<Violation> {
    type Field = fn(&Arrival) -> &String;
    let shared_fields: [(&'static str, Field); 3] = [
        ("device", |arrival| &arrival.device),
        ("user", |arrival| &arrival.user),
        ("name", |arrival| &arrival.name),
    ];
    let mut violations = Vec::new();
    for (field, value) in shared_fields {
        let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for arrival in arrivals {
            values
                .entry(&arrival.insert_id)
                .or_default()
                .insert(value(arrival).clone());
        }
        let different = values.into_iter().filter(|(_, values)| values.len() > 1);
        violations.extend(different.map(|(insert_id, values)| Violation::Changed {
            insert_id: insert_id.to_owned(),
            field,
            values,
        }));
    }
    violations
}

/// Events that do not match the tracking plan, by the collector's check.
pub(super) fn off_plan(accepted: &[AcceptedEvent]) -> Vec<Violation> {
    let mismatches = accepted.iter().filter(|event| event.plan_status != "valid");
    mismatches
        .map(|event| Violation::OffPlan {
            insert_id: event.insert_id.clone(),
            name: event.name.clone(),
            status: event.plan_status.clone(),
        })
        .collect()
}

/// Sign-ups with another device than the visitor's browser.
fn wrong_devices(
    state: &DatabaseState,
    accepted: &[AcceptedEvent],
    visitors: &[SignedUpVisitor],
) -> Vec<Violation> {
    let emails: BTreeMap<String, &str> = state
        .accounts
        .iter()
        .map(|account| (format!("sign-up:{}", account.id), account.email.as_str()))
        .collect();
    let browsers: BTreeMap<&str, &str> = visitors
        .iter()
        .map(|visitor| (visitor.email.as_str(), visitor.device.as_str()))
        .collect();
    let mismatches = accepted.iter().filter_map(|event| {
        let browser = *browsers.get(emails.get(&event.insert_id)?)?;
        (event.device != browser).then(|| Violation::WrongDevice {
            insert_id: event.insert_id.clone(),
            device: event.device.clone(),
            browser: browser.to_owned(),
        })
    });
    mismatches.collect()
}

/// Events that were first accepted after a later event of the same user.
fn out_of_order(accepted: &[AcceptedEvent]) -> Vec<Violation> {
    let mut latest: BTreeMap<&str, &str> = BTreeMap::new();
    let mut violations = Vec::new();
    for event in accepted {
        let latest = latest.entry(&event.user).or_insert(&event.time);
        if event.time.as_str() < *latest {
            violations.push(Violation::OutOfOrder {
                user: event.user.clone(),
                insert_id: event.insert_id.clone(),
                name: event.name.clone(),
            });
        } else {
            *latest = &event.time;
        }
    }
    violations
}

#[cfg(test)]
mod tests;
