//! `LOG_FORMAT`. It is read before everything else, so that all errors have the format.

use super::error::{ConfigError, malformed};

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object in a line.
    Json,
}

impl LogFormat {
    /// Reads the variable from `get`. An empty value counts as unset.
    ///
    /// # Errors
    /// When it is neither `text` nor `json`.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        match get("LOG_FORMAT").as_deref().map(str::trim) {
            None | Some("" | "text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            Some(_) => Err(malformed("LOG_FORMAT", "`text` or `json`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        for (text, expected) in [
            (None, Some(LogFormat::Text)),
            (Some(""), Some(LogFormat::Text)),
            (Some("text"), Some(LogFormat::Text)),
            (Some(" json "), Some(LogFormat::Json)),
            (Some("JSON"), None),
        ] {
            assert_eq!(
                LogFormat::read(|_| text.map(str::to_owned)).ok(),
                expected,
                "{text:?}"
            );
        }
    }
}
