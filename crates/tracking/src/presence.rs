//! Who was there when a server event happened, and how the server knows.

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, SessionId};

/// The IDs of a *present* event: somebody brought it about, in some browser. A *system* event takes none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresentIds {
    /// The browser's device and session at the click.
    Live {
        /// The browser.
        device: DeviceId,
        /// The session that the click was part of.
        session: SessionId,
        /// Where the two were found.
        found: Found,
    },
    /// Only an older handoff is known: the device still holds, the session would be stretched.
    DeviceOnly {
        /// The browser of the older handoff.
        device: DeviceId,
    },
    /// Nobody's handoff: changed in Stripe's dashboard, cookies refused, or a device that is not proven yet.
    Unknown,
}

/// Where the device and session of a live event were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The SDK's own cookie carried the session that won.
    SdkCookie,
    /// Our session cookie did: the SDK has not run here, or not lately.
    ServerSession,
    /// Metadata that the click wrote to Stripe: Checkout, cancel, resume, change.
    CheckoutHandoff,
    /// The visit to Stripe's portal that we noted before the redirect.
    PortalVisit,
}

/// The word that every server event says of its IDs (event property `stitched_by`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StitchedBy {
    /// Session of the SDK's cookie.
    #[serde(rename = "sdk cookie")]
    SdkCookie,
    /// Session of our own cookie.
    #[serde(rename = "server session")]
    ServerSession,
    /// IDs that the click wrote into Stripe's metadata.
    #[serde(rename = "checkout handoff")]
    CheckoutHandoff,
    /// IDs noted before the redirect to the portal.
    #[serde(rename = "portal visit")]
    PortalVisit,
    /// A handoff older than the session timeout: device only.
    #[serde(rename = "stale handoff")]
    StaleHandoff,
    /// A present event of which nobody knows the browser.
    #[serde(rename = "none known")]
    NoneKnown,
    /// A system event: nobody was there.
    #[serde(rename = "none by rule")]
    NoneByRule,
}

impl StitchedBy {
    /// Every word.
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
    /// What the event says of how it got these IDs.
    pub fn stitched_by(&self) -> StitchedBy {
        match self {
            Self::Live {
                found: Found::SdkCookie,
                ..
            } => StitchedBy::SdkCookie,
            Self::Live {
                found: Found::ServerSession,
                ..
            } => StitchedBy::ServerSession,
            Self::Live {
                found: Found::CheckoutHandoff,
                ..
            } => StitchedBy::CheckoutHandoff,
            Self::Live {
                found: Found::PortalVisit,
                ..
            } => StitchedBy::PortalVisit,
            Self::DeviceOnly { .. } => StitchedBy::StaleHandoff,
            Self::Unknown => StitchedBy::NoneKnown,
        }
    }
}
