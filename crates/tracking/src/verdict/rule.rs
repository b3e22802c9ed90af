//! The rules of the verdict, with their names and questions.

use serde::{Deserialize, Serialize};

/// The rules that a timeline is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// All events belong to one user.
    #[serde(rename = "one person")]
    OnePerson,
    /// A present event is in a session with browser events.
    #[serde(rename = "present events inside a browser session")]
    PresentInSession,
    /// An event lacks device or session only if they were unknown.
    #[serde(rename = "stitched as far as known")]
    StitchedAsKnown,
    /// A system event has no device and no session.
    #[serde(rename = "system events without device and session")]
    SystemWithoutIds,
    /// No server event extends a session past the timeout.
    #[serde(rename = "no stretched session")]
    NoStretchedSession,
    /// No event is counted twice.
    #[serde(rename = "no duplicates")]
    NoDuplicates,
    /// Every device is a browser of this user.
    #[serde(rename = "no orphan or phantom devices")]
    NoStrayDevices,
    /// A cause comes before its effect.
    #[serde(rename = "causal order")]
    CausalOrder,
    /// The browser sends browser events, the server sends server events.
    #[serde(rename = "one owner per event")]
    OneOwner,
    /// Revenue events equal Stripe's payments and refunds.
    #[serde(rename = "revenue equals ledger")]
    RevenueEqualsLedger,
    /// Each event is valid by the tracking plan.
    #[serde(rename = "plan valid")]
    PlanValid,
    /// There is no event after tracking was denied.
    #[serde(rename = "no event after consent was denied")]
    NothingWithoutConsent,
    /// A present event has the context of its session's browser events; a system event has none.
    #[serde(rename = "context as in the browser")]
    ContextAsInBrowser,
    /// Server and SDK recorded the same first touch.
    #[serde(rename = "one first touch")]
    OneFirstTouch,
}

impl Rule {
    /// All rules, in the order in which they are displayed.
    pub const ALL: [Self; 14] = [
        Self::OnePerson,
        Self::PresentInSession,
        Self::StitchedAsKnown,
        Self::SystemWithoutIds,
        Self::NoStretchedSession,
        Self::NoDuplicates,
        Self::NoStrayDevices,
        Self::CausalOrder,
        Self::OneOwner,
        Self::RevenueEqualsLedger,
        Self::PlanValid,
        Self::NothingWithoutConsent,
        Self::ContextAsInBrowser,
        Self::OneFirstTouch,
    ];

    /// The rule's name, as in JSON.
    pub const fn title(self) -> &'static str {
        match self {
            Self::OnePerson => "one person",
            Self::PresentInSession => "present events inside a browser session",
            Self::StitchedAsKnown => "stitched as far as known",
            Self::SystemWithoutIds => "system events without device and session",
            Self::NoStretchedSession => "no stretched session",
            Self::NoDuplicates => "no duplicates",
            Self::NoStrayDevices => "no orphan or phantom devices",
            Self::CausalOrder => "causal order",
            Self::OneOwner => "one owner per event",
            Self::RevenueEqualsLedger => "revenue equals ledger",
            Self::PlanValid => "plan valid",
            Self::NothingWithoutConsent => "no event after consent was denied",
            Self::ContextAsInBrowser => "context as in the browser",
            Self::OneFirstTouch => "one first touch",
        }
    }

    /// The question that the rule answers.
    pub const fn question(self) -> &'static str {
        match self {
            Self::OnePerson => "Do all events belong to one user?",
            Self::PresentInSession => "Is each present event in a session with browser events?",
            Self::StitchedAsKnown => "Do events lack device or session only if they were unknown?",
            Self::SystemWithoutIds => "Do system events have no device and no session?",
            Self::NoStretchedSession => "Does every session end where the visit ended?",
            Self::NoDuplicates => "Is every event counted once?",
            Self::NoStrayDevices => "Is every device a browser of this user?",
            Self::CausalOrder => "Does what leads to an event come before it?",
            Self::OneOwner => "Does each event come from the side that owns it?",
            Self::RevenueEqualsLedger => "Do revenue events equal Stripe's payments and refunds?",
            Self::PlanValid => "Is each event valid by the tracking plan?",
            Self::NothingWithoutConsent => "Is there no event after tracking was denied?",
            Self::ContextAsInBrowser => {
                "Do present events have the context of their session, and system events none?"
            }
            Self::OneFirstTouch => "Did server and SDK record the same first touch?",
        }
    }
}
