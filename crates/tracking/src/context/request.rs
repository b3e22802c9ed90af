//! The context of a request.

use core::net::IpAddr;

use super::{EventContext, user_agent};
use crate::text::limited;
use crate::touch::Touch;

/// Longest path, in bytes.
const MAX_PATH_LEN: usize = 200;

/// Longest language tag that is accepted (RFC 5646, "Length Considerations").
const MAX_LANGUAGE_LEN: usize = 35;

/// What a request says about the browser and its page. All texts are untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFacts<'a> {
    /// The client's address.
    pub address: IpAddr,
    /// The header `User-Agent`.
    pub user_agent: &'a str,
    /// The header `Accept-Language`.
    pub accept_language: &'a str,
    /// Path of the page on which the user acted.
    pub page_path: &'a str,
    /// Its title, if it is known.
    pub page_title: Option<&'static str>,
    /// Where the session came from.
    pub touch: Option<&'a Touch>,
}

impl EventContext {
    /// The context of events that a request causes.
    pub fn of_request(facts: &RequestFacts<'_>) -> Self {
        Self {
            address: Some(facts.address),
            clicked_ms: None,
            browser: user_agent::parse(facts.user_agent),
            language: language(facts.accept_language),
            page_path: limited(facts.page_path, MAX_PATH_LEN),
            page_title: facts.page_title.map(str::to_owned),
            touch: facts.touch.cloned(),
        }
    }
}

/// The first language of `Accept-Language`, which browsers also give to scripts.
fn language(header: &str) -> Option<String> {
    let tag = header.split([',', ';']).next()?.trim();
    let is_tag = tag
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_tag && (2..=MAX_LANGUAGE_LEN).contains(&tag.len())).then(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_counts() {
        for (header, expected) in [
            ("en-GB,en;q=0.8", Some("en-GB")),
            ("de;q=0.9", Some("de")),
            (" zh-Hant-TW , x", Some("zh-Hant-TW")),
            ("*", None),
            ("", None),
            ("e", None),
            ("en\u{0}", None),
            ("<script>", None),
            ("a23456789-b23456789-c23456789-d234567", None),
        ] {
            assert_eq!(language(header).as_deref(), expected, "{header:?}");
        }
    }

    #[test]
    fn hostile_headers_give_a_short_context() {
        let (long, path) = (
            "Mozilla/5.0 Chrome/".repeat(600),
            format!("/{}", "\u{202e}a\r\n".repeat(5_000)),
        );
        let context = EventContext::of_request(&RequestFacts {
            address: IpAddr::from([192, 0, 2, 7]),
            user_agent: &long,
            accept_language: &long,
            page_path: &path,
            page_title: None,
            touch: None,
        });
        let json = serde_json::to_string(&context).unwrap();
        assert!(json.len() < 600, "{json}");
        assert!(!json.contains("192.0.2.7"), "the address is kept apart");
        assert_eq!(
            serde_json::from_str::<EventContext>(&json).unwrap(),
            EventContext {
                address: None,
                ..context
            }
        );
    }
}
