//! Reads JSON whose strings are not valid Unicode.
//!
//! A JavaScript string can hold half of a surrogate pair, for example the first half of an emoji that was cut off.
//! `JSON.stringify` writes it as `"\ud83d"`. serde_json refuses the whole document for it. This crate replaces such halves, and
//! bytes that are not UTF-8, by U+FFFD, and leaves everything else unchanged. It repairs nothing else.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

const HEX_DIGITS: usize = 4;
/// `\u` and its digits.
const ESCAPE: usize = 2 + HEX_DIGITS;

/// Deserializes JSON after replacing invalid Unicode. A valid document is read once and not copied.
///
/// # Errors
/// The document is not JSON, or not a `T`.
pub fn from_slice<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(json).or_else(|error| match repaired(json) {
        Some(json) => serde_json::from_str(&json),
        None => Err(error),
    })
}

/// The document with U+FFFD for invalid Unicode; `None` if there is none.
fn repaired(json: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(json);
    let halves = lone_surrogates(text.as_bytes());
    if halves.is_empty() {
        return match text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        };
    }
    let mut repaired = text.into_owned();
    for at in halves {
        repaired.replace_range(at..at + ESCAPE, "\\ufffd");
    }
    Some(repaired)
}

/// Positions of escapes that are one half of a surrogate pair without the other. The replacement has the same length, so all
/// positions stay valid.
fn lone_surrogates(json: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < json.len() {
        if json[at] != b'\\' {
            at += 1;
            continue;
        }
        match escaped_unit(json, at) {
            Some(0xD800..=0xDBFF) => match escaped_unit(json, at + ESCAPE) {
                Some(0xDC00..=0xDFFF) => at += 2 * ESCAPE,
                _ => {
                    found.push(at);
                    at += ESCAPE;
                }
            },
            Some(0xDC00..=0xDFFF) => {
                found.push(at);
                at += ESCAPE;
            }
            Some(_) => at += ESCAPE,
            // Another escape, for example `\\` or `\"`.
            None => at += 2,
        }
    }
    found
}

/// The UTF-16 unit of the escape `\uXXXX` at this position.
fn escaped_unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        u16::try_from(digit).ok().map(|digit| unit << 4 | digit)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn halves_of_surrogate_pairs_are_replaced() {
        for (document, expected) in [
            (r#""\ud83d""#, json!("\u{fffd}")),
            (r#""\uDE00""#, json!("\u{fffd}")),
            (r#""a\ud83d\ud83d\ude00b""#, json!("a\u{fffd}😀b")),
            (r#""\ude00\ud83d""#, json!("\u{fffd}\u{fffd}")),
            (r#""\ud83dA""#, json!("\u{fffd}A")),
            (r#""\ud83d\\ud83d""#, json!("\u{fffd}\\ud83d")),
            (
                r#"{"\ud83d": [1, "\u00e9"], "next": "\\"}"#,
                json!({"\u{fffd}": [1, "é"], "next": "\\"}),
            ),
        ] {
            assert!(serde_json::from_str::<Value>(document).is_err(), "{document}");
            assert_eq!(
                from_slice::<Value>(document.as_bytes()).unwrap(),
                expected,
                "{document}"
            );
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        // CESU-8: a half of a pair as three bytes.
        let document = b"[\"\xED\xA0\xBD\", \"\\ud83d\", \"ok\"]";
        let read: Value = from_slice(document).unwrap();
        assert_eq!(read[1], "\u{fffd}");
        assert_eq!(read[2], "ok");
        assert!(read[0].as_str().unwrap().starts_with('\u{fffd}'));
    }

    #[test]
    fn valid_documents_are_unchanged_and_invalid_ones_are_refused() {
        for document in [r#""\ud83d\ude00 \\ud83d \" \u0041""#, "[]", "{\"a\": 1}"] {
            let expected: Value = serde_json::from_str(document).unwrap();
            assert_eq!(from_slice::<Value>(document.as_bytes()).unwrap(), expected);
            assert_eq!(repaired(document.as_bytes()), None);
        }
        for document in ["", "{", r#""\ud83d"#, r#""\u12"#, r#""\"#, r#"{"\ud83d"}"#, "\\u"] {
            assert!(from_slice::<Value>(document.as_bytes()).is_err(), "{document}");
        }
    }
}
