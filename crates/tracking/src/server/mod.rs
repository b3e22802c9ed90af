//! Server events: auth, revenue and poll expiration. They are recorded when the change is committed; the browser cannot
//! send them.
//!
//! Each event has a type that implements [`EventPayload`]. [`ServerEvent`] combines a payload with user, IDs and time.
//! The table at the end of this file lists all events: present or system, the pattern of the insert ID, and the user
//! properties. A type that is not in the table is not an event.

mod auth;
mod billing;
mod polls;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::context::EventContext;
use crate::ids::{DeviceId, InsertId, SessionId, UserId};
use crate::money::Revenue;
use crate::presence::{PresentIds, StitchedBy};
use crate::properties::{UserProperties, fields_of};

pub use auth::{EmailVerified, PasswordResetCompleted, SignInCompleted, SignOutCompleted, SignUpCompleted};
pub use billing::{
    HandoffRef, Payment, PaymentFailure, RefundOutcome, SubscriptionCanceled, SubscriptionChanged,
    SubscriptionCharge, SubscriptionDispute, SubscriptionExpiration, SubscriptionRefund, SubscriptionRenewal,
    SubscriptionReport, SubscriptionResumed, SubscriptionStarted, TrialCanceled, TrialConverted,
    TrialExpiration, TrialResumed, TrialStarted,
};
pub use polls::PollExpiration;

/// The content of a server event: a name, a deterministic insert ID, and properties. The event properties are the type's
/// serialized fields.
pub trait EventPayload: Serialize {
    /// The event's name, in sentence case.
    const NAME: &'static str;

    /// A deterministic insert ID: the same change always gets the same ID, so a repeated handler sends no duplicate.
    fn insert_id(&self, user: UserId) -> InsertId;

    /// User properties that this event sets.
    fn user_properties(&self, _user: UserId) -> UserProperties {
        UserProperties::default()
    }

    /// The revenue of this event; `None` if no money moved.
    fn revenue(&self) -> Option<Revenue> {
        None
    }
}

/// An event that a user caused. It belongs to the session of the click that caused it.
pub trait PresentEvent: EventPayload {}

/// An event without a user's action. It has no device and no session.
pub trait SystemEvent: EventPayload {}

/// A complete server event, ready for the outbox and independent of its payload type.
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
    /// An event that a user caused at `time_ms` (ms since the epoch), with the IDs of the user's browser.
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
        Self::from_payload(user, event, Some(ids), time_ms)
    }

    /// An event that happened at `time_ms` (ms since the epoch) without a user's action.
    ///
    /// A present event cannot be created without IDs:
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
        Self::from_payload(user, event, None, time_ms)
    }

    fn from_payload<E: EventPayload>(user: UserId, event: &E, ids: Option<PresentIds>, time_ms: i64) -> Self {
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

    /// The user that the event belongs to.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The insert ID, by which Amplitude detects duplicates.
    pub const fn insert_id(&self) -> &InsertId {
        &self.insert_id
    }

    /// When it happened, in ms since the epoch.
    pub const fn time_ms(&self) -> i64 {
        self.time_ms
    }

    /// The event with this time (ms since the epoch), if its own is earlier.
    #[must_use]
    pub fn not_before(mut self, time_ms: i64) -> Self {
        self.time_ms = self.time_ms.max(time_ms);
        self
    }

    /// The browser; `None` for system events, and for present events whose browser is unknown.
    pub const fn device(&self) -> Option<&DeviceId> {
        match &self.ids {
            Some(PresentIds::Live { device, .. } | PresentIds::DeviceOnly { device }) => Some(device),
            Some(PresentIds::Unknown) | None => None,
        }
    }

    /// The session of the click; `None` for system events, and if the session is unknown or has ended.
    pub const fn session(&self) -> Option<SessionId> {
        match &self.ids {
            Some(PresentIds::Live { session, .. }) => Some(*session),
            Some(PresentIds::DeviceOnly { .. } | PresentIds::Unknown) | None => None,
        }
    }

    /// The context of the request that caused the event; `None` if the event has no session.
    pub fn context(&self) -> Option<&EventContext> {
        match &self.ids {
            Some(PresentIds::Live { context, .. }) => Some(context),
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

/// Whether a user's action caused the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEventKind {
    /// A user's action: the event belongs to the session of the click that caused it.
    Present,
    /// No user's action: no device, no session.
    System,
}

/// The kind of the server event with this name; `None` if the server has no such event.
pub fn server_event_kind(name: &str) -> Option<ServerEventKind> {
    let known = KINDS.iter().find(|(event, _)| *event == name);
    known.map(|(_, kind)| *kind)
}

/// Whether an insert ID has the prefix of a server event, in upper or lower case. A browser may not use such an ID: Amplitude
/// would drop the server's event as a duplicate.
pub fn is_server_insert_id(text: &str) -> bool {
    let patterns = INSERT_ID_PATTERNS.iter().flat_map(|list| list.split(", "));
    let mut prefixes = patterns.filter_map(|pattern| pattern.split_once('<').map(|(prefix, _)| prefix));
    let text = text.trim_start();
    prefixes.any(|prefix| {
        text.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    })
}

/// The table of server events: kind, type, pattern of the insert ID, and the user properties that the event may set.
/// Only this macro implements the marker traits. Tests compare patterns and user properties with the types.
macro_rules! server_events {
    (@kind present) => { ServerEventKind::Present };
    (@kind system) => { ServerEventKind::System };
    (@mark present $event:ident) => { impl PresentEvent for $event {} };
    (@mark system $event:ident) => { impl SystemEvent for $event {} };
    ($($kind:ident $event:ident $insert_id:literal [$($property:ident),*];)*) => {
        $(server_events!(@mark $kind $event);)*

        /// The names of all server events, in the order of the plan.
        pub const NAMES: &[&str] = &[$(<$event as EventPayload>::NAME),*];

        const KINDS: &[(&str, ServerEventKind)] =
            &[$((<$event as EventPayload>::NAME, server_events!(@kind $kind))),*];

        const INSERT_ID_PATTERNS: &[&str] = &[$($insert_id),*];

        #[cfg(feature = "catalog")]
        pub(crate) fn specs() -> Vec<crate::event_spec::EventSpec> {
            use crate::event_spec::{EventSpec, Owner};
            use crate::properties::UserProperty;
            vec![$(EventSpec::of::<$event>(
                <$event as EventPayload>::NAME,
                Owner::$kind(),
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
    present SubscriptionChanged "subscription-changed:<invoice>, subscription-changed:<subscription>:<changed_at>" [SubscriptionStatus, AccountType];
    system TrialConverted "trial-converted:<subscription>" [SubscriptionStatus, AccountType];
    system SubscriptionRenewal "renewal:<invoice>" [SubscriptionStatus, AccountType];
    system SubscriptionCharge "subscription-charge:<invoice>" [SubscriptionStatus, AccountType];
    system TrialExpiration "trial-expiration:<subscription>" [SubscriptionStatus, AccountType];
    system SubscriptionExpiration "subscription-expiration:<subscription>" [SubscriptionStatus, AccountType];
    system PaymentFailure "payment-failure:<invoice>:<attempt>" [SubscriptionStatus, AccountType];
    system SubscriptionRefund "refund:<refund>, refund-failed:<refund>" [SubscriptionStatus, AccountType];
    system SubscriptionDispute "dispute:<dispute>" [SubscriptionStatus, AccountType];

    system PollExpiration "poll-expiration:<poll>:<closes_at>" [];
}
