//! First and last touch of a browser: which of them a document changes, and how cookies carry them.
//!
//! The rules of a touch are in `tracking::touch`. A touch starts no session and creates no device.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tracking::{DeviceId, FirstTouch, SessionId, SessionTouch, Touch};

use super::signing::CookieKey;

/// The touches of one browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserTouches {
    /// The first one.
    pub first: Option<FirstTouch>,
    /// The last one.
    pub last: Option<SessionTouch>,
}

impl BrowserTouches {
    /// The touches after a document with this touch; `None` if it changes nothing. `own_hosts`: hosts, with port, whose links
    /// are no touch.
    pub fn after(
        &self,
        touch: Touch,
        device: &DeviceId,
        session: SessionId,
        now_ms: i64,
        own_hosts: &[String],
    ) -> Option<Self> {
        let last = self.last.as_ref();
        let is_new_session = last.is_none_or(|last| last.session != session);
        if !touch.replaces(last.map(|last| &last.touch), is_new_session, own_hosts) {
            return None;
        }
        let first = self.first.clone().unwrap_or_else(|| FirstTouch {
            touch: touch.clone(),
            device: device.clone(),
            at_ms: now_ms,
        });
        Some(Self {
            first: Some(first),
            last: Some(SessionTouch { touch, session }),
        })
    }

    /// The touch of a session; `None` if the session began with a link on our own pages or Stripe's, or if its touch is not
    /// known.
    pub fn of_session(&self, session: SessionId) -> Option<&Touch> {
        let last = self.last.as_ref().filter(|last| last.session == session);
        last.map(|last| &last.touch)
    }
}

/// The signed value of a cookie: a time or session (ms since the epoch), and a touch. It is valid for one device only.
pub(super) fn encode(key: &CookieKey, name: &str, device: &DeviceId, ms: i64, touch: &Touch) -> String {
    let json = serde_json::to_vec(touch).unwrap_or_default();
    key.sign(
        &purpose(name, device),
        &format!("{ms}~{}", URL_SAFE_NO_PAD.encode(json)),
    )
}

/// Reads the output of [`encode`].
pub(super) fn decode(key: &CookieKey, name: &str, device: &DeviceId, value: &str) -> Option<(i64, Touch)> {
    let (ms, touch) = key.verify(&purpose(name, device), value)?.split_once('~')?;
    let json = URL_SAFE_NO_PAD.decode(touch).ok()?;
    Some((ms.parse().ok()?, serde_json::from_slice(&json).ok()?))
}

fn purpose(name: &str, device: &DeviceId) -> String {
    format!("{name} of {device}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    fn device(letter: char) -> DeviceId {
        DeviceId::parse(&letter.to_string().repeat(12)).unwrap()
    }

    fn touch(query: &str) -> Touch {
        Touch::of_document("/", Some(query), None)
    }

    #[test]
    fn the_first_touch_stays_and_the_last_one_belongs_to_its_session() {
        let (first, second) = (
            SessionId::starting_at(NOW),
            SessionId::starting_at(NOW + 86_400_000),
        );
        let step = |known: &BrowserTouches, query: &str, session: SessionId| {
            known.after(touch(query), &device('a'), session, session.ms(), &[])
        };
        let arrived = step(&BrowserTouches::default(), "utm_source=a", first).unwrap();
        assert_eq!(arrived.of_session(first), Some(&touch("utm_source=a")));
        assert_eq!(
            step(&arrived, "", first),
            None,
            "a direct page of the same session"
        );
        let returned = step(&arrived, "", second).unwrap();
        assert_eq!(returned.first, arrived.first);
        assert_eq!(returned.of_session(second), Some(&touch("")));
        assert_eq!(returned.of_session(first), None);
        let third = SessionId::starting_at(NOW + 2 * 86_400_000);
        let again = step(&returned, "", third).unwrap();
        assert_eq!(
            again.of_session(third),
            Some(&touch("")),
            "each session has its touch"
        );
        assert_eq!(again.first, arrived.first);
        let direct = step(&BrowserTouches::default(), "", first).unwrap();
        let campaign = step(&direct, "utm_source=b", first).unwrap();
        assert_eq!(
            campaign.first.unwrap().touch,
            touch(""),
            "a later campaign is not the first touch"
        );
    }

    #[test]
    fn cookies_are_of_one_device_and_one_name() {
        let key = CookieKey::new("a key for tests, 32 bytes or more");
        let value = encode(&key, "seam_first", &device('a'), NOW, &touch("utm_source=a"));
        assert_eq!(
            decode(&key, "seam_first", &device('a'), &value),
            Some((NOW, touch("utm_source=a")))
        );
        assert_eq!(decode(&key, "seam_first", &device('b'), &value), None);
        assert_eq!(decode(&key, "seam_touch", &device('a'), &value), None);
        assert_eq!(
            decode(&key, "seam_first", &device('a'), &format!("{value}x")),
            None
        );
        for long in ["ü".repeat(5_000), "%22".repeat(5_000)] {
            let largest = touch(&format!(
                "utm_source={long}&utm_medium={long}&gclid={long}&utm_term={long}"
            ));
            let value = encode(&key, "seam_first", &device('a'), NOW, &largest);
            assert!(value.len() < 1_300, "{}", value.len());
        }
    }
}
