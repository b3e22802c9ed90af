//! One figure of a report with its limit. Each has its own line, so that a reader sees which limit is broken.

use std::fmt;

/// A figure and whether it is within its limit.
#[derive(Clone, Debug)]
pub(crate) struct LimitCheck {
    /// The figure and the limit.
    pub(crate) figure: String,
    pub(crate) is_met: bool,
}

impl fmt::Display for LimitCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  {:<6} {}",
            if self.is_met { "holds" } else { "BROKEN" },
            self.figure
        )
    }
}
