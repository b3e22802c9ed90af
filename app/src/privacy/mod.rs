//! What somebody chose about tracking: asked for once where a yes is needed, and changed here at any time.

mod banner;
mod page;
#[cfg(feature = "ssr")]
pub mod verbs;

pub use banner::ConsentBanner;
pub use page::PrivacyPage;

use serde::{Deserialize, Serialize};
use tracking::Choice;

/// How the document's visitor stands to tracking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privacy {
    /// Their own choice: this browser's, or their account's.
    pub choice: Choice,
    /// Whether they are tracked.
    pub tracked: bool,
    /// The browser says Global Privacy Control.
    pub signal: bool,
}

impl Privacy {
    /// Nobody has been asked yet, and without a yes nothing is tracked.
    pub fn is_to_be_asked(self) -> bool {
        self.choice == Choice::Unset && !self.tracked && !self.signal
    }
}
