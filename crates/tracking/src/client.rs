//! Client events: what the browser says, through Amplitude's own SDK, which adds device, session and context.
//!
//! Page views, sessions and campaigns are the SDK's own and not here. Feature actions that change the database are
//! tracked only after the server's yes; a click that leads away is tracked as what it is, a click.
//! An event is also what a page hands to the next one (boot data), so each can be read back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::properties::{Interval, fields_of};

/// The plan's browser half: one line for each event, its type, its name, and who mints its insert ID.
macro_rules! client_events {
    ($($event:ident $name:literal $insert_id:ident;)*) => {
        /// Every event that the browser may say. A server event is none of them, and none of them is a server event.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "event", content = "properties")]
        pub enum ClientEvent {
            $(
                #[doc = concat!("`", $name, "`")]
                #[serde(rename = $name)]
                $event($event),
            )*
        }

        impl ClientEvent {
            /// Every client event's name, in the order of the plan: what the ingest route lets through.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The event's name, in sentence case.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$event(_) => $name,)*
                }
            }

            /// The event's properties.
            pub fn properties(&self) -> Map<String, Value> {
                match self {
                    $(Self::$event(event) => fields_of(event),)*
                }
            }
        }

        $(
            impl $event {
                /// The event's name, in sentence case.
                pub const NAME: &str = $name;
            }

            impl From<$event> for ClientEvent {
                fn from(event: $event) -> Self {
                    Self::$event(event)
                }
            }
        )*

        #[cfg(feature = "catalog")]
        pub(crate) fn specs() -> Vec<crate::catalog::EventSpec> {
            use crate::catalog::{EventSpec, Owner};
            vec![$(EventSpec::of::<$event>($name, Owner::Browser, $insert_id, &[])),*]
        }
    };
}

#[cfg(feature = "catalog")]
const CONFIRMED: &str = "the SDK's; the server's after a full-page post";
#[cfg(feature = "catalog")]
const CLICKED: &str = "the click's";

client_events! {
    PollCreated "Poll created" CONFIRMED;
    PollEdited "Poll edited" CONFIRMED;
    PollClosed "Poll closed" CONFIRMED;
    PollDeleted "Poll deleted" CONFIRMED;
    PollRestored "Poll restored" CONFIRMED;
    VoteCast "Vote cast" CONFIRMED;
    PollShared "Poll shared" CONFIRMED;
    ResultsExported "Results exported" CONFIRMED;
    UpgradePromptShown "Upgrade prompt shown" CLICKED;
    TrialCheckoutClicked "Trial checkout clicked" CLICKED;
    PricingIntervalSelected "Pricing interval selected" CLICKED;
}

/// A poll was created. Tells whether people get to the point of the product, and with what kind of poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PollCreated {
    /// The poll.
    pub poll_id: Uuid,
    /// How many options it offers.
    pub option_count: u32,
    /// Whether a vote may name several.
    pub multiple_choice: bool,
    /// Whether it closes by itself, which is part of Pro.
    pub has_closing_time: bool,
}

/// A poll was changed, which is possible while nobody voted. Tells how often the first version was not it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PollEdited {
    /// The poll.
    pub poll_id: Uuid,
    /// How many options it now offers.
    pub option_count: u32,
    /// Whether a vote may now name several.
    pub multiple_choice: bool,
    /// Whether it now closes by itself.
    pub has_closing_time: bool,
}

/// A poll was closed by hand. Tells how many votes people wait for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PollClosed {
    /// The poll.
    pub poll_id: Uuid,
    /// People who voted.
    pub vote_count: u32,
}

/// A poll was deleted; it can be restored for a while. Tells which polls were a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PollDeleted {
    /// The poll.
    pub poll_id: Uuid,
    /// People who had voted.
    pub vote_count: u32,
}

/// A deleted poll was brought back. Tells how often deleting was the mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PollRestored {
    /// The poll.
    pub poll_id: Uuid,
}

/// Somebody voted, with an account or without. Tells who takes part; what they voted for is not said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct VoteCast {
    /// The poll.
    pub poll_id: Uuid,
    /// How many options the vote names.
    pub choice_count: u32,
    /// Whether it replaces an earlier vote of the same voter.
    pub changed: bool,
}

/// A poll's link was handed on. Tells how polls spread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PollShared {
    /// The poll.
    pub poll_id: Uuid,
    /// How.
    pub method: ShareMethod,
}

/// How a poll's link was handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShareMethod {
    /// Copied to the clipboard.
    Copy,
    /// Through the device's own share sheet.
    ShareSheet,
}

/// A poll's results were downloaded, which is part of Pro. Tells whether that is worth paying for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct ResultsExported {
    /// The poll.
    pub poll_id: Uuid,
    /// File format.
    pub format: ExportFormat,
    /// People who had voted.
    pub vote_count: u32,
}

/// File format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Comma-separated values.
    Csv,
}

/// A free account met the edge of its plan. Tells which edge makes people think of paying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct UpgradePromptShown {
    /// The edge.
    pub reason: UpgradeReason,
    /// Where it was shown.
    pub surface: Surface,
}

/// What an upgrade prompt was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UpgradeReason {
    /// As many open polls as Free allows.
    OpenPollLimit,
    /// A closing time.
    ClosingTime,
    /// An export.
    Export,
}

/// Somebody clicked "Start trial" and leaves for Stripe. Intent, not outcome: `Trial started` says what came of it,
/// and carries this event's insert ID as `click`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialCheckoutClicked {
    /// The interval that was selected.
    pub interval: Interval,
    /// Where the button was.
    pub surface: Surface,
}

/// Somebody switched between monthly and yearly prices. Tells who compares them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PricingIntervalSelected {
    /// The interval that is now selected.
    pub interval: Interval,
    /// Where the switch was.
    pub surface: Surface,
}

/// A part of the product where something is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// The page of prices.
    Pricing,
    /// The account's billing page.
    Billing,
    /// The list of an account's polls.
    PollList,
    /// The form of a poll.
    PollForm,
    /// A poll's results.
    PollResults,
}
