//! Times on pages. The document says them in UTC; the script shows each `<time data-local>` in the user's time zone
//! (`public/seam.js`). Islands get a [`UtcTime`] and write the element themselves.

#[cfg(feature = "ssr")]
mod view;

#[cfg(feature = "ssr")]
pub(crate) use view::{LocalTime, TextWithDay};

use serde::{Deserialize, Serialize};

/// A time as a `<time>` element has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UtcTime {
    /// `datetime`: the instant in RFC 3339.
    pub instant: String,
    /// The text, which says that it is in UTC.
    pub text: String,
    /// `data-local`: which parts the text has.
    pub format: TimeFormat,
}

/// What a time's text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeFormat {
    /// `2026-11-24, 14:00 UTC`
    Minute,
    /// `24 November 2026 (UTC)`
    Day,
}

impl TimeFormat {
    /// The name that the script knows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
        }
    }
}
