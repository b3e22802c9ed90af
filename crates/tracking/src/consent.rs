//! Whether a user is tracked: decided from the user's choice, the browser's signal and the operator's default.
//!
//! This module does not store choices and does not enforce the decision.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A user's choice, stored in the browser's cookie or on the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// No choice yet.
    #[default]
    Unset,
    /// The user accepts tracking.
    Granted,
    /// The user rejects tracking.
    Denied,
}

impl Choice {
    /// Parses the output of [`Self::as_str`]. Any other text is [`Self::Unset`].
    pub fn parse(text: &str) -> Self {
        match text {
            "granted" => Self::Granted,
            "denied" => Self::Denied,
            _ => Self::Unset,
        }
    }

    /// The text in the cookie and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Granted => "granted",
            Self::Denied => "denied",
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The operator's default for users without a choice (`CONSENT_DEFAULT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentDefault {
    /// Tracked until the user rejects tracking.
    Granted,
    /// Not tracked until the user accepts tracking.
    Denied,
}

impl ConsentDefault {
    /// Parses `granted` or `denied`; any other text is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        match Choice::parse(text) {
            Choice::Granted => Some(Self::Granted),
            Choice::Denied => Some(Self::Denied),
            Choice::Unset => None,
        }
    }
}

/// The decision for a request or an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Tracked.
    Granted,
    /// Not tracked: no ID cookies, no IDs in Stripe's metadata, no SDK, no events in the outbox.
    Denied,
}

impl Consent {
    /// Whether tracking is allowed.
    pub const fn is_granted(self) -> bool {
        matches!(self, Self::Granted)
    }
}

/// The decision for a request. `cookie` is the browser's choice, `account` the choice of the signed-in account (`None`:
/// not signed in), `gpc` whether the browser sends Global Privacy Control. A webhook has an account, but neither cookie
/// nor signal.
///
/// An explicit choice wins; if cookie and account differ, `Denied` wins. Without a choice, Global Privacy Control denies.
/// Otherwise the operator's default applies.
pub fn effective(cookie: Choice, account: Option<Choice>, gpc: bool, default: ConsentDefault) -> Consent {
    match (explicit(cookie, account.unwrap_or_default()), default) {
        (Choice::Denied, _) => Consent::Denied,
        (Choice::Granted, _) => Consent::Granted,
        (Choice::Unset, _) if gpc => Consent::Denied,
        (Choice::Unset, ConsentDefault::Granted) => Consent::Granted,
        (Choice::Unset, ConsentDefault::Denied) => Consent::Denied,
    }
}

/// The choice to store on an account after a request from a browser, so that it also applies to webhooks, which have no
/// browser. An existing choice of the account is kept; without one the account takes the browser's choice. Without either,
/// Global Privacy Control denies.
pub fn choice_for_account(account: Choice, cookie: Choice, gpc: bool) -> Choice {
    match (account, cookie) {
        (Choice::Granted | Choice::Denied, _) => account,
        (Choice::Unset, Choice::Granted | Choice::Denied) => cookie,
        (Choice::Unset, Choice::Unset) if gpc => Choice::Denied,
        (Choice::Unset, Choice::Unset) => Choice::Unset,
    }
}

fn explicit(cookie: Choice, account: Choice) -> Choice {
    match (cookie, account) {
        (Choice::Denied, _) | (_, Choice::Denied) => Choice::Denied,
        (Choice::Granted, _) | (_, Choice::Granted) => Choice::Granted,
        (Choice::Unset, Choice::Unset) => Choice::Unset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_choice_wins_then_the_signal_then_the_default() {
        use Choice::{Denied as N, Granted as Y, Unset as U};
        // cookie, account, GPC, tracked if the default is granted, … if it is denied
        let rows = [
            (U, None, false, true, false),
            (U, None, true, false, false),
            (Y, None, false, true, true),
            (Y, None, true, true, true),
            (N, None, false, false, false),
            (N, None, true, false, false),
            (U, Some(U), false, true, false),
            (U, Some(U), true, false, false),
            (U, Some(Y), false, true, true),
            (U, Some(Y), true, true, true),
            (U, Some(N), false, false, false),
            (U, Some(N), true, false, false),
            (Y, Some(U), false, true, true),
            (Y, Some(U), true, true, true),
            (Y, Some(Y), true, true, true),
            (Y, Some(N), false, false, false),
            (N, Some(U), false, false, false),
            (N, Some(Y), false, false, false),
            (N, Some(N), true, false, false),
        ];
        for (cookie, account, gpc, by_granted, by_denied) in rows {
            for (default, expected) in [
                (ConsentDefault::Granted, by_granted),
                (ConsentDefault::Denied, by_denied),
            ] {
                let consent = effective(cookie, account, gpc, default);
                assert_eq!(
                    consent.is_granted(),
                    expected,
                    "{cookie} {account:?} gpc={gpc} {default:?}"
                );
            }
        }
    }

    #[test]
    fn an_account_without_a_choice_takes_the_browsers_choice() {
        use Choice::{Denied as N, Granted as Y, Unset as U};
        // account, cookie, GPC, the account's choice afterwards
        let rows = [
            (U, U, false, U),
            (U, U, true, N),
            (U, Y, true, Y),
            (U, N, false, N),
            (Y, U, true, Y),
            (Y, N, true, Y),
            (N, Y, false, N),
            (N, U, false, N),
        ];
        for (account, cookie, gpc, expected) in rows {
            assert_eq!(
                choice_for_account(account, cookie, gpc),
                expected,
                "{account} {cookie} gpc={gpc}"
            );
        }
    }

    #[test]
    fn choices_round_trip_and_other_texts_are_unset() {
        for choice in [Choice::Unset, Choice::Granted, Choice::Denied] {
            assert_eq!(Choice::parse(choice.as_str()), choice);
        }
        for junk in ["", "GRANTED", "yes", " granted", "granted;"] {
            assert_eq!(Choice::parse(junk), Choice::Unset);
            assert_eq!(ConsentDefault::parse(junk), None);
        }
        assert_eq!(ConsentDefault::parse("denied"), Some(ConsentDefault::Denied));
        assert_eq!(ConsentDefault::parse("granted"), Some(ConsentDefault::Granted));
    }
}
