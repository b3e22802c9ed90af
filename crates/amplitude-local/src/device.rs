//! What can be told of a device: from its User-Agent, its language tag, or from a user ID alone. Pure.
//!
//! A light reading, for browsers; Amplitude's own parser knows far more.

use sha2::{Digest, Sha256};

/// What a browser says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Browser<'a> {
    /// Amplitude's `os_name` of web events: the browser.
    pub(crate) name: &'static str,
    /// Its major version.
    pub(crate) version: &'a str,
    /// The operating system.
    pub(crate) family: &'static str,
    /// The kind of device.
    pub(crate) device_type: &'static str,
}

/// Product tokens, the more specific ones first: Edge also says Chrome, and Chrome also says Safari.
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

/// Reads a browser's User-Agent; `None` for anything that is not a browser.
pub(crate) fn browser(user_agent: &str) -> Option<Browser<'_>> {
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
    Some(Browser {
        name,
        version,
        family,
        device_type,
    })
}

/// HTTP V2, "Language field": a tag is stored as the name of its language. The commonest; others stay tags.
pub(crate) fn language(tag: &str) -> &str {
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

/// The device of events that name only a user: a hash of the user ID (HTTP V2, `device_id`). The very hash
/// is Amplitude's secret; this one is stable and looks like a device ID.
pub(crate) fn derived_from(user_id: &str) -> String {
    uuid_of(&[b"device of user", user_id.as_bytes()])
}

/// A UUID (version 8) made of a hash of `parts`.
pub(crate) fn uuid_of(parts: &[&[u8]]) -> String {
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
    fn user_agents_of_browsers() {
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
            let found =
                browser(user_agent).map(|found| (found.name, found.version, found.family, found.device_type));
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
            assert_eq!(language(tag), name);
        }
    }

    #[test]
    fn a_derived_device_is_stable_and_the_users_own() {
        assert_eq!(derived_from("user-1"), derived_from("user-1"));
        assert_ne!(derived_from("user-1"), derived_from("user-2"));
        assert_eq!(derived_from("user-1").len(), 36);
    }
}
