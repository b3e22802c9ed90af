//! Whether a person is tracked: their own choice, the browser's signal, and what holds where nobody said anything.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody chose, in a browser's cookie or on an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Nothing yet.
    #[default]
    Unset,
    /// Tracking is fine.
    Granted,
    /// No tracking.
    Denied,
}

impl Choice {
    /// Reads what [`Self::as_str`] writes. Anything else is no choice.
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

/// What holds where nobody chose (`CONSENT_DEFAULT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentDefault {
    /// Tracked until somebody says no.
    Granted,
    /// Not tracked until somebody says yes.
    Denied,
}

impl ConsentDefault {
    /// Reads `granted` or `denied`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        match Choice::parse(text) {
            Choice::Granted => Some(Self::Granted),
            Choice::Denied => Some(Self::Denied),
            Choice::Unset => None,
        }
    }
}

/// What holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Tracked.
    Granted,
    /// No cookie with an ID, no ID to Stripe, no SDK, nothing enqueued.
    Denied,
}

impl Consent {
    /// Whether tracking is allowed.
    pub const fn is_granted(self) -> bool {
        matches!(self, Self::Granted)
    }
}

/// What holds for a request: `cookie` is the browser's choice, `account` that of the signed-in account (`None`:
/// nobody is signed in), `gpc` whether the browser sends Global Privacy Control. A webhook has an account and
/// neither cookie nor signal.
///
/// What the person chose wins, and of two choices the "no": it is the one that nobody may overlook. Without a choice
/// Global Privacy Control is a "no".
pub fn effective(cookie: Choice, account: Option<Choice>, gpc: bool, default: ConsentDefault) -> Consent {
    match (explicit(cookie, account.unwrap_or_default()), default) {
        (Choice::Denied, _) => Consent::Denied,
        (Choice::Granted, _) => Consent::Granted,
        (Choice::Unset, _) if gpc => Consent::Denied,
        (Choice::Unset, ConsentDefault::Granted) => Consent::Granted,
        (Choice::Unset, ConsentDefault::Denied) => Consent::Denied,
    }
}

/// What is to stand on an account once it is seen in a browser, so that webhooks, which see no browser, know it too.
/// A choice of the account stays; without one it takes over the browser's, and Global Privacy Control is a "no".
pub fn on_account(account: Choice, cookie: Choice, gpc: bool) -> Choice {
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
    fn an_account_takes_over_what_its_browser_says_only_while_it_has_no_choice() {
        use Choice::{Denied as N, Granted as Y, Unset as U};
        // account, cookie, GPC, what then stands on the account
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
                on_account(account, cookie, gpc),
                expected,
                "{account} {cookie} gpc={gpc}"
            );
        }
    }

    #[test]
    fn texts_round_trip_and_junk_is_no_choice() {
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
