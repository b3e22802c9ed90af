//! Device fields derived from a User-Agent, a language tag or a user ID. No I/O.
//!
//! The User-Agent parser recognizes common browsers only. Amplitude's parser recognizes many more clients.

use sha2::{Digest, Sha256};

/// What a User-Agent says about the browser and its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserAgentInfo<'a> {
    /// The browser. Amplitude exports it as `os_name` of web events.
    pub(crate) name: &'static str,
    /// Its major version.
    pub(crate) version: &'a str,
    /// The operating system. Amplitude exports it as `device_family`.
    pub(crate) family: &'static str,
    /// The kind of device.
    pub(crate) device_type: &'static str,
}

/// Product tokens, the more specific ones first: an Edge User-Agent also contains the token of Chrome.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome Headless"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];

const SYSTEMS: [(&str, &str, &str); 7] = [
    ("iPhone", "iOS", "Apple iPhone"),
    ("iPad", "iOS", "Apple iPad"),
    ("Android", "Android", "Android"),
    ("CrOS", "Chrome OS", "Chromebook"),
    ("Windows", "Windows", "Windows"),
    ("Macintosh", "Mac OS X", "Mac"),
    ("Linux", "Linux", "Linux"),
];

/// Parses a User-Agent. `None`: it is not a known browser.
pub(crate) fn parse_user_agent(user_agent: &str) -> Option<UserAgentInfo<'_>> {
    if !user_agent.starts_with("Mozilla/") {
        return None;
    }
    let (token, name) = BROWSERS
        .into_iter()
        .find(|(token, _)| user_agent.contains(token))?;
    let after = user_agent.split_once(token)?.1;
    let version = after
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    let (_, family, device_type) = SYSTEMS
        .into_iter()
        .find(|(token, ..)| user_agent.contains(token))
        .unwrap_or(("", "Other", "Other"));
    Some(UserAgentInfo {
        name,
        version,
        family,
        device_type,
    })
}

/// The name of a language tag's language (HTTP V2, "Language field"). A tag that is not in the table is returned unchanged.
pub(crate) fn language_name(tag: &str) -> &str {
    const NAMES: [(&str, &str); 30] = [
        ("ar", "Arabic"),
        ("bg", "Bulgarian"),
        ("ca", "Catalan"),
        ("cs", "Czech"),
        ("da", "Danish"),
        ("de", "German"),
        ("el", "Greek"),
        ("en", "English"),
        ("es", "Spanish"),
        ("et", "Estonian"),
        ("fi", "Finnish"),
        ("fr", "French"),
        ("he", "Hebrew"),
        ("hi", "Hindi"),
        ("hu", "Hungarian"),
        ("id", "Indonesian"),
        ("it", "Italian"),
        ("ja", "Japanese"),
        ("ko", "Korean"),
        ("nl", "Dutch"),
        ("pl", "Polish"),
        ("pt", "Portuguese"),
        ("ro", "Romanian"),
        ("ru", "Russian"),
        ("sv", "Swedish"),
        ("th", "Thai"),
        ("tr", "Turkish"),
        ("uk", "Ukrainian"),
        ("vi", "Vietnamese"),
        ("zh", "Chinese"),
    ];
    let primary = tag.split(['-', '_']).next().unwrap_or(tag);
    NAMES
        .iter()
        .find(|(code, _)| code.eq_ignore_ascii_case(primary))
        .map_or(tag, |(_, name)| name)
}

/// The device ID of events that have only a user ID: a hash of the user ID (HTTP V2, `device_id`). Amplitude does not publish
/// its hash function; this one is stable and looks like a device ID.
pub(crate) fn derived_device_id(user_id: &str) -> String {
    hashed_uuid(&[b"device of user", user_id.as_bytes()])
}

/// A UUID (version 8) from a hash of `parts`.
pub(crate) fn hashed_uuid(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_agents_are_parsed() {
        let rows = [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
                Some(("Chrome Headless", "156", "Linux", "Linux")),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36 Edg/149.0.0.0",
                Some(("Edge", "149", "Windows", "Windows")),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
                Some(("Safari", "17", "iOS", "Apple iPhone")),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:128.0) Gecko/20100101 Firefox/128.0",
                Some(("Firefox", "128", "Mac OS X", "Mac")),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Mobile Safari/537.36",
                Some(("Chrome", "149", "Android", "Android")),
            ),
            ("amplitude-node/1.0", None),
            ("Mozilla/5.0", None),
            ("", None),
        ];
        for (user_agent, expected) in rows {
            let found = parse_user_agent(user_agent)
                .map(|found| (found.name, found.version, found.family, found.device_type));
            assert_eq!(found, expected, "{user_agent}");
        }
    }

    #[test]
    fn language_tags_become_names() {
        for (tag, name) in [
            ("en-US", "English"),
            ("DE", "German"),
            ("pt_BR", "Portuguese"),
            ("tlh", "tlh"),
            ("", ""),
        ] {
            assert_eq!(language_name(tag), name);
        }
    }

    #[test]
    fn a_derived_device_id_is_stable_and_differs_between_users() {
        assert_eq!(derived_device_id("user-1"), derived_device_id("user-1"));
        assert_ne!(derived_device_id("user-1"), derived_device_id("user-2"));
        assert_eq!(derived_device_id("user-1").len(), 36);
    }
}
