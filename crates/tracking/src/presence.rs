//! The IDs and the context of a present event, and how the server got them (`stitched_by`).

use serde::{Deserialize, Serialize};

use crate::context::EventContext;
use crate::ids::{DeviceId, SessionId};

/// The IDs of a *present* event: a user caused it in a browser. A *system* event has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresentIds {
    /// Device and session of the browser at the time of the click.
    Live {
        /// The browser.
        device: DeviceId,
        /// The session that the click was part of.
        session: SessionId,
        /// Where the IDs were found.
        source: IdSource,
        /// The context of the request. Empty until [`Self::with_context`] sets it.
        context: Box<EventContext>,
    },
    /// Only a handoff older than the session timeout is known: the device is valid, the session has ended.
    DeviceOnly {
        /// The browser of the older handoff.
        device: DeviceId,
    },
    /// No handoff is known: a change in Stripe's dashboard, rejected cookies, or an unconfirmed new device.
    Unknown,
}

/// The source of a present event's device and session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdSource {
    /// The session of the SDK's cookie.
    SdkCookie,
    /// The session of our own cookie: the SDK has not run in this session, or not recently.
    ServerSession,
    /// Stripe metadata written with the click: Checkout, cancel, resume, change.
    CheckoutHandoff,
    /// The portal visit recorded before the redirect to Stripe.
    PortalVisit,
}

/// How a server event got its IDs: the event property `stitched_by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StitchedBy {
    /// Session of the SDK's cookie.
    #[serde(rename = "sdk cookie")]
    SdkCookie,
    /// Session of our own cookie.
    #[serde(rename = "server session")]
    ServerSession,
    /// Stripe metadata written with the click.
    #[serde(rename = "checkout handoff")]
    CheckoutHandoff,
    /// The portal visit recorded before the redirect to Stripe.
    #[serde(rename = "portal visit")]
    PortalVisit,
    /// A handoff older than the session timeout: device only.
    #[serde(rename = "stale handoff")]
    StaleHandoff,
    /// A present event whose browser is unknown.
    #[serde(rename = "none known")]
    NoneKnown,
    /// A system event, which has no IDs.
    #[serde(rename = "none by rule")]
    NoneByRule,
}

impl StitchedBy {
    /// All values.
    pub const ALL: [Self; 7] = [
        Self::SdkCookie,
        Self::ServerSession,
        Self::CheckoutHandoff,
        Self::PortalVisit,
        Self::StaleHandoff,
        Self::NoneKnown,
        Self::NoneByRule,
    ];
}

impl PresentIds {
    /// These IDs, with a context if they have a session.
    #[must_use]
    pub fn with_context(self, context: impl FnOnce() -> EventContext) -> Self {
        match self {
            Self::Live {
                device,
                session,
                source,
                ..
            } => Self::Live {
                device,
                session,
                source,
                context: Box::new(context()),
            },
            other => other,
        }
    }

    /// The value of `stitched_by` for these IDs.
    pub fn stitched_by(&self) -> StitchedBy {
        match self {
            Self::Live {
                source: IdSource::SdkCookie,
                ..
            } => StitchedBy::SdkCookie,
            Self::Live {
                source: IdSource::ServerSession,
                ..
            } => StitchedBy::ServerSession,
            Self::Live {
                source: IdSource::CheckoutHandoff,
                ..
            } => StitchedBy::CheckoutHandoff,
            Self::Live {
                source: IdSource::PortalVisit,
                ..
            } => StitchedBy::PortalVisit,
            Self::DeviceOnly { .. } => StitchedBy::StaleHandoff,
            Self::Unknown => StitchedBy::NoneKnown,
        }
    }
}
