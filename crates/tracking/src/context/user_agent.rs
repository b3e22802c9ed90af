//! Browser and device by the header `User-Agent`, in the words that Amplitude uses for the SDK's events.

use woothee::parser::{Parser, WootheeResult};

use super::{BrowserSoftware, DeviceType};
use crate::text::limited;

/// How much of the header is read, in bytes. Known browsers send less than 300.
const MAX_LEN: usize = 500;

/// Longest name or version, in bytes.
const MAX_NAME_LEN: usize = 40;

/// Parses the header. All fields are `None` if it is not that of a browser.
pub(super) fn parse(user_agent: &str) -> BrowserSoftware {
    let Some(user_agent) = limited(user_agent, MAX_LEN) else {
        return BrowserSoftware::default();
    };
    let found = Parser::new().parse(&user_agent);
    let is_browser = |found: &WootheeResult<'_>| {
        matches!(found.category, "pc" | "smartphone" | "mobilephone" | "appliance")
    };
    let Some(found) = found.filter(is_browser) else {
        return BrowserSoftware::default();
    };
    let known = |text: &str| limited(text, MAX_NAME_LEN).filter(|text| text != "UNKNOWN");
    let (os, device_model) = match found.os {
        os if os.starts_with("Windows Phone") => ("Windows Phone", "Windows Phone"),
        os if os.starts_with("Windows") => ("Windows", "Windows"),
        "Mac OSX" => ("Mac OS X", "Mac"),
        "iPhone" => ("iOS", "Apple iPhone"),
        "iPad" => ("iOS", "Apple iPad"),
        "ChromeOS" => ("Chrome OS", "Chromebook"),
        other => (other, other),
    };
    let device_type = match (found.category, found.os) {
        (_, "iPad") => DeviceType::Tablet,
        ("pc", _) => DeviceType::Desktop,
        ("appliance", _) => DeviceType::Appliance,
        _ => DeviceType::Mobile,
    };
    let name = match found.name {
        "SamsungBrowser" => "Samsung Internet",
        name => name,
    };
    BrowserSoftware {
        name: known(name),
        version: found.version.split('.').next().and_then(known),
        os: known(os),
        device_model: known(device_model),
        device_type: Some(device_type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_have_amplitudes_names() {
        use DeviceType::{Desktop, Mobile, Tablet};
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (system, product, expected) in [
            (
                "X11; Linux x86_64",
                "HeadlessChrome/156.0.0.0 Safari/537.36",
                ("Chrome", "156", "Linux", "Linux", Desktop),
            ),
            (
                "Windows NT 10.0; Win64; x64",
                "Chrome/130.0.0.0 Safari/537.36 Edg/131.0.0.0",
                ("Edge", "131", "Windows", "Windows", Desktop),
            ),
            (
                "Macintosh; Intel Mac OS X 10_15_7",
                "Version/18.1 Safari/605.1.15",
                ("Safari", "18", "Mac OS X", "Mac", Desktop),
            ),
            (
                "iPhone; CPU iPhone OS 18_0 like Mac OS X",
                "Version/18.0 Mobile/15E148 Safari/604.1",
                ("Safari", "18", "iOS", "Apple iPhone", Mobile),
            ),
            (
                "iPad; CPU OS 18_0 like Mac OS X",
                "CriOS/130.0.6723.37 Mobile/15E148 Safari/604.1",
                ("Chrome", "130", "iOS", "Apple iPad", Tablet),
            ),
            (
                "Linux; Android 14; SM-S918B",
                "SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
                ("Samsung Internet", "26", "Android", "Android", Mobile),
            ),
            (
                "X11; CrOS x86_64 14541.0.0",
                "Chrome/130.0.0.0 Safari/537.36",
                ("Chrome", "130", "Chrome OS", "Chromebook", Desktop),
            ),
        ] {
            let found = parse(&format!("Mozilla/5.0 ({system}) {webkit} {product}"));
            let (name, version, os, model, device_type) = expected;
            let expected = BrowserSoftware {
                name: Some(name.into()),
                version: Some(version.into()),
                os: Some(os.into()),
                device_model: Some(model.into()),
                device_type: Some(device_type),
            };
            assert_eq!(found, expected, "{system} {product}");
        }
    }

    #[test]
    fn other_clients_have_no_browser() {
        for text in [
            "",
            "-",
            "curl/8.5.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1)",
            "\u{0}\r\n",
            "ü".repeat(9_000).as_str(),
        ] {
            assert_eq!(parse(text), BrowserSoftware::default(), "{text:.40}");
        }
    }
}
