//! Server events: auth and revenue, fired after the change is confirmed. The browser cannot name one.
//!
//! A type says what happened (a [`Fact`]); [`ServerEvent`] freezes it together with who and when. The table at the
//! end of this file is the plan: which event is present, which is system, and what each one's insert ID and user
//! properties are. Being in it is what makes a type an event.

mod auth;
mod billing;
mod polls;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::ids::{DeviceId, InsertId, SessionId, UserId};
use crate::money::Revenue;
use crate::presence::{PresentIds, StitchedBy};
use crate::properties::{UserProperties, fields_of};

pub use auth::{EmailVerified, PasswordResetCompleted, SignInCompleted, SignOutCompleted, SignUpCompleted};
pub use billing::{
    Handoff, PaymentFailure, RefundOutcome, SubscriptionCanceled, SubscriptionChanged,
    SubscriptionExpiration, SubscriptionRefund, SubscriptionRenewal, SubscriptionReport, SubscriptionResumed,
    SubscriptionStarted, TrialCanceled, TrialConverted, TrialExpiration, TrialResumed, TrialStarted,
};
pub use polls::PollExpiration;

/// What every server event is: a name, a deterministic insert ID, and properties, which are the type's serialised fields.
pub trait Fact: Serialize {
    /// The event's name, in sentence case.
    const NAME: &'static str;

    /// The same for the same fact, whoever computes it and however often.
    fn insert_id(&self, user: UserId) -> InsertId;

    /// User properties that ride on this event.
    fn user_properties(&self, _user: UserId) -> UserProperties {
        UserProperties::default()
    }

    /// Money that moved, if any.
    fn revenue(&self) -> Option<Revenue> {
        None
    }
}

/// Somebody was there: the event belongs into the session of the click that caused it.
pub trait PresentEvent: Fact {}

/// Nobody was there: no device, no session.
pub trait SystemEvent: Fact {}

/// A server event with all that will ever be said of it: ready for the outbox, independent of its type.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerEvent {
    pub(crate) name: &'static str,
    pub(crate) user: UserId,
    /// `None`: a system event.
    pub(crate) ids: Option<PresentIds>,
    pub(crate) insert_id: InsertId,
    pub(crate) time_ms: i64,
    pub(crate) properties: Map<String, Value>,
    pub(crate) user_properties: UserProperties,
    pub(crate) revenue: Option<Revenue>,
}

impl ServerEvent {
    /// An event that somebody brought about at `time_ms` (ms since the epoch), with the IDs of their browser.
    ///
    /// Only a present event takes IDs:
    /// ```compile_fail,E0277
    /// # use tracking::{PresentIds, ServerEvent, UserId, server::PollExpiration};
    /// # fn t(user: UserId, event: PollExpiration) {
    /// ServerEvent::present(user, &event, PresentIds::Unknown, 0);
    /// # }
    /// ```
    /// ```
    /// # use tracking::{PresentIds, ServerEvent, UserId, server::EmailVerified};
    /// # fn t(user: UserId, event: EmailVerified) {
    /// ServerEvent::present(user, &event, PresentIds::Unknown, 0);
    /// # }
    /// ```
    pub fn present<E: PresentEvent>(user: UserId, event: &E, ids: PresentIds, time_ms: i64) -> Self {
        Self::freeze(user, event, Some(ids), time_ms)
    }

    /// An event that happened at `time_ms` (ms since the epoch) with nobody there.
    ///
    /// An event that somebody brought about cannot lose its IDs this way:
    /// ```compile_fail,E0277
    /// # use tracking::{ServerEvent, UserId, server::EmailVerified};
    /// # fn t(user: UserId, event: EmailVerified) {
    /// ServerEvent::system(user, &event, 0);
    /// # }
    /// ```
    /// ```
    /// # use tracking::{ServerEvent, UserId, server::PollExpiration};
    /// # fn t(user: UserId, event: PollExpiration) {
    /// ServerEvent::system(user, &event, 0);
    /// # }
    /// ```
    pub fn system<E: SystemEvent>(user: UserId, event: &E, time_ms: i64) -> Self {
        Self::freeze(user, event, None, time_ms)
    }

    fn freeze<E: Fact>(user: UserId, event: &E, ids: Option<PresentIds>, time_ms: i64) -> Self {
        Self {
            name: E::NAME,
            user,
            ids,
            insert_id: event.insert_id(user),
            time_ms,
            properties: fields_of(event),
            user_properties: event.user_properties(user),
            revenue: event.revenue(),
        }
    }

    /// The event's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whose event it is.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// What makes a second delivery the same event.
    pub const fn insert_id(&self) -> &InsertId {
        &self.insert_id
    }

    /// When it happened, in ms since the epoch.
    pub const fn time_ms(&self) -> i64 {
        self.time_ms
    }

    /// The browser, if somebody was there and we know which.
    pub const fn device(&self) -> Option<&DeviceId> {
        match &self.ids {
            Some(PresentIds::Live { device, .. } | PresentIds::DeviceOnly { device }) => Some(device),
            Some(PresentIds::Unknown) | None => None,
        }
    }

    /// The session of the click, if somebody was there and it is still the one.
    pub const fn session(&self) -> Option<SessionId> {
        match &self.ids {
            Some(PresentIds::Live { session, .. }) => Some(*session),
            Some(PresentIds::DeviceOnly { .. } | PresentIds::Unknown) | None => None,
        }
    }

    /// How the event got its IDs, or why it has none.
    pub fn stitched_by(&self) -> StitchedBy {
        self.ids
            .as_ref()
            .map_or(StitchedBy::NoneByRule, PresentIds::stitched_by)
    }
}

/// Whether somebody was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Somebody was: the event belongs into the session of the click that caused it.
    Present,
    /// Nobody was: no device, no session.
    System,
}

/// What the plan says of a server event's name; `None`: no event of the server's.
pub fn presence(name: &str) -> Option<Presence> {
    let known = PRESENCES.iter().find(|(event, _)| *event == name);
    known.map(|(_, presence)| *presence)
}

/// The plan's server half: one line for each event, saying its presence, the pattern of its insert ID and the user
/// properties that it may set. The marker traits are given out here alone; the tests hold the rest to the types.
macro_rules! server_events {
    (@presence present) => { Presence::Present };
    (@presence system) => { Presence::System };
    (@mark present $event:ident) => { impl PresentEvent for $event {} };
    (@mark system $event:ident) => { impl SystemEvent for $event {} };
    ($($presence:ident $event:ident $insert_id:literal [$($property:ident),*];)*) => {
        $(server_events!(@mark $presence $event);)*

        /// Every server event's name, in the order of the plan.
        pub const NAMES: &[&str] = &[$(<$event as Fact>::NAME),*];

        const PRESENCES: &[(&str, Presence)] =
            &[$((<$event as Fact>::NAME, server_events!(@presence $presence))),*];

        #[cfg(feature = "catalog")]
        pub(crate) fn specs() -> Vec<crate::catalog::EventSpec> {
            use crate::catalog::{EventSpec, Owner};
            use crate::properties::UserProperty;
            vec![$(EventSpec::of::<$event>(
                <$event as Fact>::NAME,
                Owner::$presence(),
                $insert_id,
                &[$(UserProperty::$property),*],
            )),*]
        }
    };
}

server_events! {
    present SignUpCompleted "sign-up:<user>"
        [CustomerId, AccountType, EmailDomain, Email, InitialSignupDate, LastLoginDate, IsLoggedIn];
    present SignInCompleted "sign-in:<login>" [LastLoginDate, IsLoggedIn];
    present SignOutCompleted "sign-out:<login>" [IsLoggedIn];
    present EmailVerified "email-verified:<token>" [];
    present PasswordResetCompleted "password-reset-completed:<token>" [];

    present TrialStarted "trial-started:<subscription>" [SubscriptionStatus, AccountType, StripeCustomerId];
    present TrialCanceled "trial-canceled:<subscription>:<canceled_at>" [SubscriptionStatus, AccountType];
    present TrialResumed "trial-resumed:<subscription>:<previous canceled_at>" [SubscriptionStatus, AccountType];
    present SubscriptionStarted "subscription-started:<subscription>"
        [SubscriptionStatus, AccountType, StripeCustomerId];
    present SubscriptionCanceled "subscription-canceled:<subscription>:<canceled_at>"
        [SubscriptionStatus, AccountType];
    present SubscriptionResumed "subscription-resumed:<subscription>:<previous canceled_at>"
        [SubscriptionStatus, AccountType];
    present SubscriptionChanged "subscription-changed:<invoice>" [SubscriptionStatus, AccountType];
    system TrialConverted "trial-converted:<subscription>" [SubscriptionStatus, AccountType];
    system SubscriptionRenewal "renewal:<invoice>" [SubscriptionStatus, AccountType];
    system TrialExpiration "trial-expiration:<subscription>" [SubscriptionStatus, AccountType];
    system SubscriptionExpiration "subscription-expiration:<subscription>" [SubscriptionStatus, AccountType];
    system PaymentFailure "payment-failure:<invoice>:<attempt>" [SubscriptionStatus, AccountType];
    system SubscriptionRefund "refund:<refund>, refund-failed:<refund>" [SubscriptionStatus, AccountType];

    system PollExpiration "poll-expiration:<poll>:<closes_at>" [];
}
