//! Whether delivery kept its promises: the app's books against the collector's. Pure.

mod evidence;
mod offence;

use std::collections::{BTreeMap, BTreeSet};

pub use evidence::{Accepted, Account, Arrival, Books, Login, Visitor};
pub use offence::Offence;

/// Everything that is wrong, in a stable order; empty when all promises were kept.
pub fn judge(
    books: &Books,
    accepted: &[Accepted],
    arrivals: &[Arrival],
    visitors: &[Visitor],
) -> Vec<Offence> {
    let expected = expected(books);
    let mut offences = people(books, visitors);
    offences.extend(counted(&expected, accepted));
    offences.extend(unfounded(&expected, accepted, arrivals));
    offences.extend(changed(arrivals));
    offences.extend(devices(books, accepted, visitors));
    offences.extend(disordered(accepted));
    offences.extend(books.parked.iter().map(|(insert_id, reason)| Offence::Parked {
        insert_id: insert_id.clone(),
        reason: reason.clone(),
    }));
    offences.extend(off_plan(accepted));
    offences.sort();
    offences.dedup();
    offences
}

/// Name and user of an event, by its insert ID.
type Expected = BTreeMap<String, (&'static str, String)>;

/// What the database says must have been reported: each account, each login but the one that a sign-up opens, each
/// sign-out.
fn expected(books: &Books) -> Expected {
    let mut expected = Expected::new();
    let mut signed_up: BTreeMap<&str, i64> = BTreeMap::new();
    for account in &books.accounts {
        expected.insert(
            format!("sign-up:{}", account.id),
            ("Sign-up completed", account.id.clone()),
        );
        signed_up.insert(&account.id, account.created_ms);
    }
    for login in &books.logins {
        // One transaction, one moment. Taking it out leaves a second login of that moment to be accounted for.
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

fn people(books: &Books, visitors: &[Visitor]) -> Vec<Offence> {
    let told: BTreeSet<&str> = visitors.iter().map(|visitor| visitor.email.as_str()).collect();
    let have: BTreeSet<&str> = books
        .accounts
        .iter()
        .map(|account| account.email.as_str())
        .collect();
    let missing = told.difference(&have).map(|email| Offence::NoAccount {
        email: (*email).to_owned(),
    });
    let stray = books
        .accounts
        .iter()
        .filter(|account| !told.contains(account.email.as_str()))
        .map(|account| Offence::StrayAccount {
            user: account.id.clone(),
        });
    missing.chain(stray).collect()
}

fn counted(expected: &Expected, accepted: &[Accepted]) -> Vec<Offence> {
    let mut times: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for event in accepted {
        *times
            .entry((&event.insert_id, &event.name, &event.user))
            .or_default() += 1;
    }
    let offence = |(insert_id, (name, user)): (&String, &(&'static str, String))| {
        let (insert_id, name, user) = (insert_id.clone(), *name, user.clone());
        match times
            .get(&(insert_id.as_str(), name, user.as_str()))
            .copied()
            .unwrap_or(0)
        {
            0 => Some(Offence::Missing {
                insert_id,
                name,
                user,
            }),
            1 => None,
            times => Some(Offence::Doubled { insert_id, times }),
        }
    };
    expected.iter().filter_map(offence).collect()
}

/// Also of arrivals that were never taken: nothing may even be sent of what did not happen.
fn unfounded(expected: &Expected, accepted: &[Accepted], arrivals: &[Arrival]) -> Vec<Offence> {
    let taken = accepted
        .iter()
        .map(|event| (&event.insert_id, &event.name, &event.user));
    let arrived = arrivals
        .iter()
        .map(|event| (&event.insert_id, &event.name, &event.user));
    let is_founded = |(insert_id, name, user): &(&String, &String, &String)| {
        expected
            .get(*insert_id)
            .is_some_and(|(known, owner)| *known == name.as_str() && owner == *user)
    };
    let unfounded = taken.chain(arrived).filter(|event| !is_founded(event));
    unfounded
        .map(|(insert_id, name, user)| Offence::Unfounded {
            insert_id: insert_id.clone(),
            name: name.clone(),
            user: user.clone(),
        })
        .collect()
}

/// What every arrival of one insert ID must share.
pub(super) fn changed(arrivals: &[Arrival]) -> Vec<Offence> {
    type Part = fn(&Arrival) -> &String;
    let of_all: [(&'static str, Part); 3] = [
        ("device", |arrival| &arrival.device),
        ("user", |arrival| &arrival.user),
        ("name", |arrival| &arrival.name),
    ];
    let mut offences = Vec::new();
    for (of, value) in of_all {
        let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for arrival in arrivals {
            values
                .entry(&arrival.insert_id)
                .or_default()
                .insert(value(arrival).clone());
        }
        let different = values.into_iter().filter(|(_, values)| values.len() > 1);
        offences.extend(different.map(|(insert_id, values)| Offence::Changed {
            insert_id: insert_id.to_owned(),
            of,
            values,
        }));
    }
    offences
}

/// What the collector's check against the tracking plan did not like.
pub(super) fn off_plan(accepted: &[Accepted]) -> Vec<Offence> {
    let wrong = accepted.iter().filter(|event| event.plan != "valid");
    wrong
        .map(|event| Offence::OffPlan {
            insert_id: event.insert_id.clone(),
            name: event.name.clone(),
            verdict: event.plan.clone(),
        })
        .collect()
}

/// A sign-up carries the device of the browser in which it happened.
fn devices(books: &Books, accepted: &[Accepted], visitors: &[Visitor]) -> Vec<Offence> {
    let emails: BTreeMap<String, &str> = books
        .accounts
        .iter()
        .map(|account| (format!("sign-up:{}", account.id), account.email.as_str()))
        .collect();
    let browsers: BTreeMap<&str, &str> = visitors
        .iter()
        .map(|visitor| (visitor.email.as_str(), visitor.device.as_str()))
        .collect();
    let wrong = accepted.iter().filter_map(|event| {
        let browser = *browsers.get(emails.get(&event.insert_id)?)?;
        (event.device != browser).then(|| Offence::WrongDevice {
            insert_id: event.insert_id.clone(),
            device: event.device.clone(),
            browser: browser.to_owned(),
        })
    });
    wrong.collect()
}

fn disordered(accepted: &[Accepted]) -> Vec<Offence> {
    let mut latest: BTreeMap<&str, &str> = BTreeMap::new();
    let mut offences = Vec::new();
    for event in accepted {
        let latest = latest.entry(&event.user).or_insert(&event.time);
        if event.time.as_str() < *latest {
            offences.push(Offence::OutOfOrder {
                user: event.user.clone(),
                later: event.insert_id.clone(),
                name: event.name.clone(),
            });
        } else {
            *latest = &event.time;
        }
    }
    offences
}

#[cfg(test)]
mod tests;
