//! Which device and session a request has: a function of its cookies, its kind and the clock.

use tracking::{DeviceId, IdSource, OwnSession, PresentIds, SessionId, session};

use super::cookies::RequestCookies;
use super::kind::RequestKind;

/// Device and session of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserIdentity {
    /// The browser.
    pub device: DeviceId,
    /// The session.
    pub session: SessionId,
    /// Where the session was found.
    source: IdSource,
    /// Whether the browser presented this device. A browser that refuses cookies gets a new device with each document, so
    /// a device that was generated for this response is not proven.
    proven: bool,
}

impl BrowserIdentity {
    /// Device and session of a request; `None` if it has no device and may not get one. `ended`: it presented a login that has
    /// ended, so the next user of the browser counts as another person. `generate` returns a new device; it is called at most once.
    pub fn of(
        kind: RequestKind,
        cookies: &RequestCookies,
        ended: bool,
        now_ms: i64,
        generate: impl FnOnce() -> DeviceId,
    ) -> Option<Self> {
        if ended {
            // A background request sets no cookies, so it has no new device either.
            return (kind != RequestKind::Background).then(|| Self::fresh(generate(), now_ms));
        }
        // A site that used the SDK before keeps the devices of its visitors: the first document takes them over, and signs
        // them.
        let adopted = cookies
            .adoptable
            .clone()
            .filter(|_| kind == RequestKind::Document);
        match cookies.device.clone().or(adopted) {
            Some(device) => {
                let resolved = session::resolve(
                    now_ms,
                    &device,
                    cookies.session,
                    cookies.sdk.as_ref(),
                    cookies.clock_offset_ms,
                );
                Some(Self {
                    device,
                    session: resolved.session,
                    source: resolved.source,
                    proven: true,
                })
            }
            None if kind == RequestKind::Document => Some(Self::fresh(generate(), now_ms)),
            None => None,
        }
    }

    /// A new browser in a new session.
    pub fn fresh(device: DeviceId, now_ms: i64) -> Self {
        Self {
            device,
            session: SessionId::starting_at(now_ms),
            source: IdSource::ServerSession,
            proven: false,
        }
    }

    /// The IDs of events of this request.
    pub fn present_ids(&self) -> PresentIds {
        if self.proven {
            PresentIds::Live {
                device: self.device.clone(),
                session: self.session,
                source: self.source,
                context: Box::default(),
            }
        } else {
            PresentIds::Unknown
        }
    }

    /// The value of our session cookie after a request at `now_ms`.
    pub fn own_session(&self, now_ms: i64) -> OwnSession {
        OwnSession {
            session: self.session,
            last_activity_ms: now_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use tracking::SdkCookie;

    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    fn device(letter: char) -> DeviceId {
        DeviceId::parse(&letter.to_string().repeat(12)).unwrap()
    }

    fn sdk(letter: char, session: i64) -> SdkCookie {
        SdkCookie {
            device: device(letter),
            session: SessionId::from_ms(session).unwrap(),
            user: None,
            last_event_ms: NOW - 1_000,
        }
    }

    #[test]
    fn only_a_document_gets_a_new_device() {
        let of = |kind| BrowserIdentity::of(kind, &RequestCookies::default(), false, NOW, || device('n'));
        let generated = of(RequestKind::Document).unwrap();
        assert_eq!(
            (generated.device.clone(), generated.session.ms()),
            (device('n'), NOW)
        );
        assert_eq!(
            generated.present_ids(),
            PresentIds::Unknown,
            "not proven before it comes back"
        );
        assert_eq!(of(RequestKind::Mutation), None);
        assert_eq!(of(RequestKind::Background), None);
    }

    #[test]
    fn our_device_wins_and_the_sdks_is_adopted_where_there_is_none() {
        let both = RequestCookies {
            device: Some(device('o')),
            sdk: Some(sdk('s', NOW - 60_000)),
            ..RequestCookies::default()
        };
        let identity = BrowserIdentity::of(RequestKind::Mutation, &both, false, NOW, || device('n')).unwrap();
        assert_eq!(identity.device, device('o'));
        assert_eq!(
            identity.session.ms(),
            NOW,
            "the SDK's session belongs to another device"
        );

        let sdk_only = RequestCookies {
            sdk: Some(sdk('s', NOW - 60_000)),
            adoptable: Some(device('s')),
            ..RequestCookies::default()
        };
        for kind in [RequestKind::Mutation, RequestKind::Background] {
            let identity = BrowserIdentity::of(kind, &sdk_only, false, NOW, || device('n'));
            assert_eq!(identity, None, "only a document signs it: {kind:?}");
        }
        let identity =
            BrowserIdentity::of(RequestKind::Document, &sdk_only, false, NOW, || device('n')).unwrap();
        assert_eq!(
            (identity.device.clone(), identity.session.ms()),
            (device('s'), NOW - 60_000)
        );
        assert!(matches!(
            identity.present_ids(),
            PresentIds::Live {
                source: IdSource::SdkCookie,
                ..
            }
        ));
    }

    #[test]
    fn an_ended_login_ends_the_device_and_the_session() {
        let cookies = RequestCookies {
            device: Some(device('o')),
            session: OwnSession::parse(&format!("{}.{}", NOW - 60_000, NOW - 1_000)),
            sdk: Some(sdk('o', NOW - 60_000)),
            ..RequestCookies::default()
        };
        assert_eq!(
            BrowserIdentity::of(RequestKind::Background, &cookies, true, NOW, || device('n')),
            None
        );
        for kind in [RequestKind::Document, RequestKind::Mutation] {
            let identity = BrowserIdentity::of(kind, &cookies, true, NOW, || device('n')).unwrap();
            assert_eq!(
                (identity.device.clone(), identity.session.ms()),
                (device('n'), NOW),
                "{kind:?}"
            );
            assert_eq!(identity.present_ids(), PresentIds::Unknown);
        }
    }
}
