//! The tracking plan as types: who may say what, with which IDs, and how it looks on the wire.
//!
//! Read in this order: the IDs that both sides share, who was there, the events of the server and of the browser,
//! then the wire. `received` reads events back; `verdict`, `proof`, `session_metrics` and `reconcile` say what they are
//! worth. Beside them stand the pure decisions about sessions and consent, and the catalog that turns the
//! types into a document and a JSON Schema.
//!
//! This crate does no I/O, reads no clock and draws no random number: moments and IDs come in as arguments. It
//! builds natively and for wasm; the browser needs `client` and the IDs, the rest is small.
//!
//! Each event has exactly one owner. The browser's tracker takes a [`ClientEvent`], and no server event becomes one:
//! ```compile_fail,E0277
//! use tracking::{ClientEvent, SubscriptionRenewal};
//! # fn t(event: SubscriptionRenewal) {
//! let _: ClientEvent = event.into();
//! # }
//! ```
//! One of its own does:
//! ```
//! use tracking::{ClientEvent, PollRestored};
//! # fn t(event: PollRestored) {
//! let _: ClientEvent = event.into();
//! # }
//! ```

mod ids;
mod money;
mod presence;
mod properties;

pub mod client;
pub mod consent;
pub mod loss;
pub mod proof;
pub mod received;
pub mod reconcile;
pub mod sdk_cookie;
pub mod server;
pub mod session;
pub mod session_metrics;
pub mod story_page;
pub mod stripe_clock;
pub mod verdict;
pub mod wire;

#[cfg(feature = "catalog")]
pub mod catalog;

pub use ids::{BadDeviceId, DeviceId, InsertId, SessionId, UserId};
pub use presence::{Found, PresentIds, StitchedBy};

pub use money::{Currency, Money, Revenue, RevenueKind};
pub use properties::{AccountType, Interval, SubscriptionStatus, UserProperties, UserProperty};

pub use server::{
    EmailVerified, Fact, Handoff, PasswordResetCompleted, PaymentFailure, PollExpiration, PresentEvent,
    RefundOutcome, ServerEvent, SignInCompleted, SignOutCompleted, SignUpCompleted, SubscriptionCanceled,
    SubscriptionChanged, SubscriptionExpiration, SubscriptionRefund, SubscriptionRenewal, SubscriptionReport,
    SubscriptionResumed, SubscriptionStarted, SystemEvent, TrialCanceled, TrialConverted, TrialExpiration,
    TrialResumed, TrialStarted,
};

pub use client::{
    ClientEvent, ExportFormat, PollClosed, PollCreated, PollDeleted, PollEdited, PollRestored, PollShared,
    PricingIntervalSelected, ResultsExported, ShareMethod, Surface, TrialCheckoutClicked, UpgradePromptShown,
    UpgradeReason, VoteCast,
};

pub use consent::{Choice, Consent, ConsentDefault};
pub use sdk_cookie::SdkCookie;
pub use session::{OwnSession, Resolved};
pub use wire::WireEvent;
