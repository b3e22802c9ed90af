//! The device and session IDs of events that a link causes.

use tracking::{Choice, PresentIds, consent};

use crate::accounts::{Login, User};
use crate::visitor::Visitor;

/// The IDs for an event of `user`, who used a link in this browser. `None` if consent is denied. Unknown if another
/// user is signed in, because the browser's device and session are then that user's.
pub(super) fn present_ids(user: &User, login: Option<&Login>, visitor: &Visitor) -> Option<PresentIds> {
    let consent = consent::choice_for_account(user.consent, visitor.choice, visitor.privacy_control);
    let ids = visitor.present_ids().filter(|_| consent != Choice::Denied)?;
    let is_other_user = login.is_some_and(|login| login.user.id != user.id);
    Some(if is_other_user { PresentIds::Unknown } else { ids })
}

#[cfg(test)]
mod tests {
    use tracking::{DeviceId, IdSource, SessionId, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::visitor::RequestOrigin;

    #[test]
    fn event_ids_for_each_login_and_consent() {
        let user = |consent| User {
            id: UserId::new(Uuid::nil()),
            email: "ada@example.com".to_owned(),
            verified: false,
            operator: false,
            consent,
        };
        let login = |id| Login {
            id: Uuid::nil(),
            user: User {
                id: UserId::new(id),
                ..user(Choice::Unset)
            },
            signed_in_at_ms: 0,
            last_seen_at_ms: 0,
        };
        let live = PresentIds::Live {
            device: DeviceId::from_uuid(Uuid::max()),
            session: SessionId::starting_at(1_795_000_000_000),
            source: IdSource::ServerSession,
            context: Box::default(),
        };
        let visitor = |tracking, choice, privacy_control| Visitor {
            tracking,
            choice,
            privacy_control,
            address: "192.0.2.7".parse().unwrap(),
            known_accounts: Vec::new(),
            user_agent: String::new(),
            voter: None,
            origin: RequestOrigin::default(),
        };
        let (same, other) = (login(Uuid::nil()), login(Uuid::max()));
        use Choice::{Denied, Granted, Unset};
        let tracked = |choice, gpc| visitor(Some(live.clone()), choice, gpc);
        let with_context = tracked(Unset, false).present_ids();
        #[rustfmt::skip]
        let table = [
            // case,                       account, signed in,   browser,                          IDs
            ("signed out",                 Unset,   None,        tracked(Unset, false),            with_context.clone()),
            ("same user signed in",        Unset,   Some(&same), tracked(Unset, false),            with_context.clone()),
            ("other user signed in",       Unset,   Some(&other),  tracked(Unset, false),            Some(PresentIds::Unknown)),
            ("browser denies",             Unset,   None,        visitor(None, Denied, false),     None),
            ("account denies",             Denied,  None,        tracked(Granted, false),          None),
            ("account grants",             Granted, None,        tracked(Unset, true),             with_context),
        ];
        for (case, consent, login, visitor, expected) in table {
            assert_eq!(present_ids(&user(consent), login, &visitor), expected, "{case}");
        }
    }
}
