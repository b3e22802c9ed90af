//! Plain text, and text that no log may show.

use std::fmt;

use serde::Deserialize;

use crate::errors::FieldError;

/// Trims, and refuses empty text, more than `max` characters, and control characters. Everything else is the writer's
/// own affair: emoji, right-to-left text, markup and quotes are kept as they are and escaped where they are shown.
pub(crate) fn line(text: &str, max: usize) -> Result<String, FieldError> {
    let text = text.trim();
    let len = text.chars().count();
    if text.is_empty() {
        Err(FieldError::Missing)
    } else if len > max {
        Err(FieldError::TooLong { max, len })
    } else if text.chars().any(char::is_control) {
        Err(FieldError::ControlCharacter)
    } else {
        Ok(text.to_owned())
    }
}

/// A password on its way to be hashed: neither `Debug` nor any error shows it.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps what was typed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: to hash or to compare, nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
