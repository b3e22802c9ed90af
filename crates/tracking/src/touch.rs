//! Touches: where a visitor came from, by the rules and names of the SDK's attribution.
//!
//! A touch has the campaign parameters and click IDs of the landing page's URL, and the referrer. The first touch belongs to
//! the person, the last one to the session. This module does not store touches.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{DeviceId, SessionId};
use crate::text::limited;

/// Maximum length of a value, in bytes. Browsers send values of any length.
const MAX_VALUE_LEN: usize = 200;

/// Maximum length of all values of a touch, in bytes of JSON: two touches fit into a browser's cookies.
const MAX_LEN: usize = 600;

const REFERRER: &str = "referrer";
const REFERRING_DOMAIN: &str = "referring_domain";
const LANDING_PAGE: &str = "landing_page";

/// The value of a user property that the SDK sets for a key without a value.
const EMPTY: &str = "EMPTY";

macro_rules! touch_keys {
    ($($key:literal),*) => {
        /// The keys, and the user property of the first touch. All but the landing page are the SDK's (2.48.1). If the values are
        /// too long together, the values of the last keys are dropped.
        const KEYS: &[(&str, &str)] = &[$(($key, concat!("initial_", $key))),*];
    };
}

touch_keys! {
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id",
    "gclid", "fbclid", "msclkid", "ttclid", "referring_domain",
    "dclid", "gbraid", "ko_click_id", "li_fat_id", "rdt_cid", "twclid", "wbraid",
    "referrer", "landing_page"
}

/// Where a visitor came from. Values are limited in length and have no control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Touch(BTreeMap<&'static str, String>);

impl From<BTreeMap<String, String>> for Touch {
    fn from(values: BTreeMap<String, String>) -> Self {
        Self::of(|key| values.get(key).cloned())
    }
}

impl Touch {
    /// The touch of a document. `query` is the query of its URL, `referrer` the header `Referer`.
    pub fn of_document(path: &str, query: Option<&str>, referrer: Option<&str>) -> Self {
        let parameters = parameters(query.unwrap_or_default());
        Self::of(|key| match key {
            LANDING_PAGE => Some(path.to_owned()),
            REFERRER => referrer.map(str::to_owned),
            REFERRING_DOMAIN => referrer.and_then(domain).map(str::to_owned),
            key => parameters.get(key).cloned(),
        })
    }

    /// The first touch among user properties; `None` if they have none. The landing page is left out, which the SDK does not
    /// record.
    pub fn of_user_properties(properties: &serde_json::Map<String, Value>) -> Option<Self> {
        let names = || KEYS.iter().filter(|(key, _)| *key != LANDING_PAGE);
        names()
            .any(|(_, initial)| properties.contains_key(*initial))
            .then(|| {
                Self::of(|key| {
                    let (_, initial) = names().find(|(known, _)| *known == key)?;
                    let value = properties.get(*initial)?.as_str()?;
                    (value != EMPTY).then(|| value.to_owned())
                })
            })
    }

    fn of(value: impl Fn(&str) -> Option<String>) -> Self {
        let mut room = MAX_LEN;
        let mut values = BTreeMap::new();
        for (key, _) in KEYS {
            let value = value(key).and_then(|value| limited(&value, MAX_VALUE_LEN));
            if let Some(value) = value.filter(|value| json_len(value) <= room) {
                room -= json_len(&value);
                values.insert(*key, value);
            }
        }
        Self(values)
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether it has neither a campaign nor a referrer.
    pub fn is_direct(&self) -> bool {
        self.0.keys().all(|key| *key == LANDING_PAGE)
    }

    /// The touch without its landing page.
    #[must_use]
    pub fn without_landing_page(mut self) -> Self {
        self.0.remove(LANDING_PAGE);
        self
    }

    /// Whether a document with this touch replaces the touch of the earlier documents (`previous`). A document that one of
    /// `own_hosts` links to never does. Any other document of a new session does. Within a session the SDK's rule applies: a
    /// direct document does not, and others only with another campaign or referring domain.
    pub fn replaces(&self, previous: Option<&Self>, is_new_session: bool, own_hosts: &[String]) -> bool {
        let domain = self.get(REFERRING_DOMAIN);
        if domain.is_some_and(|domain| own_hosts.iter().any(|own| own == domain)) {
            return false;
        }
        let Some(previous) = previous.filter(|_| !is_new_session) else {
            return true;
        };
        if self.is_direct() {
            return false;
        }
        !self.campaign().eq(previous.campaign())
            || registrable(domain) != registrable(previous.get(REFERRING_DOMAIN))
    }

    /// Campaign parameters and click IDs, without the referrer and the landing page.
    pub(crate) fn campaign(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.event_properties()
            .filter(|(key, _)| *key != REFERRING_DOMAIN)
    }

    /// The name of the touch in a report: source, medium and campaign, else a click ID's network, else the referring host.
    pub fn label(&self) -> String {
        let utm: Vec<&str> = ["utm_source", "utm_medium", "utm_campaign"]
            .into_iter()
            .filter_map(|key| self.get(key))
            .collect();
        if !utm.is_empty() {
            return utm.join(" / ");
        }
        let click_id = KEYS
            .iter()
            .map(|(key, _)| *key)
            .find(|key| key.ends_with("id") && self.0.contains_key(key));
        click_id
            .map(|key| format!("click ID {key}"))
            .or_else(|| self.get(REFERRING_DOMAIN).map(str::to_owned))
            .unwrap_or_else(|| "Direct".to_owned())
    }

    /// The touch as event properties: all but the referrer's URL and the landing page.
    pub(crate) fn event_properties(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let kept = self
            .0
            .iter()
            .filter(|(key, _)| ![REFERRER, LANDING_PAGE].contains(*key));
        kept.map(|(key, value)| (*key, value.as_str()))
    }

    /// The touch as user properties of the first touch. As with the SDK, keys without a value are set too, so that a later
    /// campaign does not become the first.
    pub(crate) fn user_properties(&self) -> impl Iterator<Item = (&'static str, &str)> {
        KEYS.iter()
            .map(|(key, initial)| (*initial, self.get(key).unwrap_or(EMPTY)))
    }
}

/// The names of the SDK's campaign properties: the keys without the landing page.
#[cfg(feature = "catalog")]
pub(crate) fn sdk_touch_keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter()
        .map(|(key, _)| *key)
        .filter(|key| *key != LANDING_PAGE)
}

/// Names of the user properties of the first touch.
pub fn first_touch_properties() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(_, initial)| *initial)
}

/// A person's first touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstTouch {
    /// Where the person came from.
    pub touch: Touch,
    /// The browser.
    pub device: DeviceId,
    /// When, in ms since the epoch.
    pub at_ms: i64,
}

/// The last touch of a browser, with the session that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTouch {
    /// Where the visitor came from.
    pub touch: Touch,
    /// The session.
    pub session: SessionId,
}

/// The parameters of a query as the SDK reads them: a `+` is not a space, and text that is not valid UTF-8 is dropped.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    let pair = |pair: &str| {
        let mut parts = pair.split('=');
        let (key, value) = (decoded(parts.next()?)?, decoded(parts.next()?)?);
        (!value.is_empty()).then_some((key, value))
    };
    query.split('&').filter_map(pair).collect()
}

/// Length of a value in JSON, without its quotes. Values have no control characters.
fn json_len(value: &str) -> usize {
    value.len() + value.matches(['"', '\\']).count()
}

/// Host and port of a URL, as the SDK takes them.
fn domain(referrer: &str) -> Option<&str> {
    referrer.split('/').nth(2).filter(|domain| !domain.is_empty())
}

/// The last two labels of a host, by which the SDK compares referrers.
fn registrable(domain: Option<&str>) -> &str {
    let domain = domain.unwrap_or_default();
    let dots = domain.rmatch_indices('.').nth(1);
    dots.map_or(domain, |(place, _)| &domain[place + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(query: &str, referrer: Option<&str>) -> Touch {
        Touch::of_document("/", Some(query), referrer)
    }

    #[test]
    fn a_document_gives_campaign_click_ids_and_referrer() {
        let found = Touch::of_document(
            "/pricing",
            Some("utm_source=news%20letter&utm_medium=e+mail&gclid=Cj0K&x=1&utm_term&utm_id=&fbclid=%FF"),
            Some("https://www.example.org:8443/a?b"),
        );
        let expected = [
            ("gclid", "Cj0K"),
            ("landing_page", "/pricing"),
            ("referrer", "https://www.example.org:8443/a?b"),
            ("referring_domain", "www.example.org:8443"),
            ("utm_medium", "e+mail"),
            ("utm_source", "news letter"),
        ];
        let values: Vec<_> = found
            .0
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        assert_eq!(values, expected);
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Touch>(&json).unwrap(), found);
    }

    #[test]
    fn labels_name_the_campaign_the_network_or_the_host() {
        for (query, referrer, label) in [
            (
                "utm_source=google&utm_medium=cpc&utm_campaign=spring",
                None,
                "google / cpc / spring",
            ),
            ("utm_campaign=spring&gclid=1", None, "spring"),
            ("gclid=1", Some("https://www.google.com/"), "click ID gclid"),
            ("", Some("https://news.example.org/"), "news.example.org"),
            ("x=1", Some("about:blank"), "Direct"),
            ("", None, "Direct"),
        ] {
            assert_eq!(touch(query, referrer).label(), label, "{query} {referrer:?}");
        }
    }

    #[test]
    fn a_touch_replaces_that_of_another_session_and_within_a_session_by_the_rule_of_the_sdk() {
        let own = ["127.0.0.1:3000".to_owned(), "checkout.stripe.com".to_owned()];
        let (site, stripe) = (
            "http://127.0.0.1:3000/pricing",
            "https://checkout.stripe.com/c/pay",
        );
        let (search, other) = ("https://www.example.org/", "https://news.example.net/");
        // query, referrer, previous touch, new session, whether it replaces the previous one
        for (query, referrer, previous, is_new, expected) in [
            ("utm_source=a", None, None, true, true),
            ("", None, None, true, true),
            ("", Some(search), None, true, true),
            ("", Some(site), None, true, false),
            ("utm_source=a", Some(site), None, true, false),
            ("", Some(stripe), Some(("utm_source=a", None)), true, false),
            ("", None, Some(("utm_source=a", None)), false, false),
            ("", None, Some(("utm_source=a", None)), true, true),
            ("", None, Some(("", None)), false, false),
            ("utm_source=a", None, Some(("utm_source=a", None)), false, false),
            // A new session has a touch of its own, also an equal one.
            ("", None, Some(("", None)), true, true),
            ("utm_source=a", None, Some(("utm_source=a", None)), true, true),
            ("utm_source=b", None, Some(("utm_source=a", None)), false, true),
            (
                "utm_source=a&gclid=1",
                None,
                Some(("utm_source=a", None)),
                false,
                true,
            ),
            ("", Some(other), Some(("", Some(search))), false, true),
            (
                "",
                Some("https://mail.example.org/x"),
                Some(("", Some(search))),
                false,
                false,
            ),
        ] {
            let previous = previous.map(|(query, referrer)| touch(query, referrer));
            let found = touch(query, referrer).replaces(previous.as_ref(), is_new, &own);
            assert_eq!(
                found, expected,
                "{query} {referrer:?} after {previous:?}, new session: {is_new}"
            );
        }
    }

    #[test]
    fn user_properties_are_the_sdks_and_are_read_back() {
        let first = touch("utm_source=a&ttclid=t", Some("https://example.org/"));
        let properties: serde_json::Map<String, Value> = first
            .user_properties()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        assert_eq!(properties["initial_utm_source"], "a");
        assert_eq!(properties["initial_gclid"], EMPTY);
        assert_eq!(properties["initial_landing_page"], "/");
        assert_eq!(properties.len(), first_touch_properties().count());
        assert_eq!(
            Touch::of_user_properties(&properties),
            Some(first.without_landing_page())
        );
        let other = serde_json::Map::from_iter([("email_domain".to_owned(), Value::from("example.com"))]);
        assert_eq!(Touch::of_user_properties(&other), None);
    }

    #[test]
    fn hostile_values_are_limited() {
        let long = format!(
            "utm_source={}&utm_medium=%00%1b%E2%80%AEx&utm_campaign=%3Cscript%3E",
            "a".repeat(10_000)
        );
        let found = touch(&long, Some(&"https://".repeat(2_000)));
        assert_eq!(found.get("utm_source").map(str::len), Some(MAX_VALUE_LEN));
        assert_eq!(found.get("utm_medium"), Some("x"));
        assert_eq!(found.get("utm_campaign"), Some("<script>"));
        let many: Vec<String> = KEYS
            .iter()
            .map(|(key, _)| format!("{key}={}", "ü".repeat(500)))
            .collect();
        let found = touch(&many.join("&"), None);
        assert!(found.0.values().map(String::len).sum::<usize>() <= MAX_LEN);
        assert!(
            found
                .0
                .values()
                .all(|value| value.chars().all(|letter| letter == 'ü') || value == "/")
        );
        let quotes = many.join("&").replace('ü', "%22");
        let json = serde_json::to_string(&touch(&quotes, None)).unwrap();
        assert!(
            json.len() <= MAX_LEN + 400,
            "quotes are escaped in JSON: {}",
            json.len()
        );
    }
}
