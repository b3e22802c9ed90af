//! The visitor's choice about tracking, and the form that changes it.

use serde::Deserialize;
use tracking::Choice;

/// The visitor's choice, and what follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privacy {
    /// The choice of this browser or of the account.
    pub choice: Choice,
    /// The visitor is tracked.
    pub tracked: bool,
    /// The browser sends Global Privacy Control.
    pub signal: bool,
}

impl Privacy {
    /// Consent is needed here, and the visitor has made no choice yet.
    pub fn needs_choice(self) -> bool {
        self.choice == Choice::Unset && !self.tracked && !self.signal
    }
}

/// The buttons of the banner and of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ChoiceForm {
    /// `granted` or `denied`.
    pub choice: String,
    /// The path to load next. Empty: the page about privacy.
    pub back: String,
}
