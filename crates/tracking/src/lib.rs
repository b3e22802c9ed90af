//! The tracking plan as types: the events, their owners, their IDs and their wire format.
//!
//! Reading order: `ids`, `context`, `presence`, `server`, `client`, `wire`. `received` parses exported events; `verdict`, `proof`,
//! `session_metrics` and `reconcile` analyze them; `analysis` has all results. `session` and `consent` decide which session a request belongs to and
//! whether a user is tracked. `catalog` generates the plan's document and JSON Schema from the types.
//!
//! This crate does no I/O, reads no clock and generates no random numbers: times and IDs are arguments. It builds
//! natively and for wasm.
//!
//! Each event has exactly one owner. The browser's tracker takes a [`ClientEvent`]. A server event does not convert into
//! one:
//! ```compile_fail,E0277
//! use tracking::{ClientEvent, SubscriptionRenewal};
//! # fn t(event: SubscriptionRenewal) {
//! let _: ClientEvent = event.into();
//! # }
//! ```
//! A browser event does:
//! ```
//! use tracking::{ClientEvent, PollRestored};
//! # fn t(event: PollRestored) {
//! let _: ClientEvent = event.into();
//! # }
//! ```

mod context;
#[cfg(feature = "catalog")]
mod event_spec;
mod ids;
mod interval;
mod money;
mod presence;
mod properties;
mod text;
mod touch;

pub mod analysis;
pub mod causes;
pub mod client;
pub mod consent;
pub mod facts;
pub mod loss;
pub mod proof;
pub mod received;
pub mod reconcile;
pub mod sdk_cookie;
pub mod server;
pub mod session;
pub mod session_metrics;
pub mod stripe_clock;
pub mod timeline_page;
pub mod verdict;
pub mod wire;

#[cfg(feature = "catalog")]
pub mod catalog;

#[cfg(feature = "user-agent")]
pub use context::RequestFacts;
pub use context::{BrowserSoftware, DeviceType, EventContext};
pub use ids::{DeviceId, DeviceIdError, InsertId, SessionId, UserId};
pub use presence::{IdSource, PresentIds, StitchedBy};

pub use interval::{Interval, IntervalUnit, PlanInterval};
pub use money::{Currency, Money, Revenue, RevenueKind};
pub use properties::{AccountType, SubscriptionStatus, UserProperties, UserProperty};

pub use server::{
    EmailVerified, EventPayload, HandoffRef, PasswordResetCompleted, Payment, PaymentFailure, PollExpiration,
    PresentEvent, RefundOutcome, ServerEvent, SignInCompleted, SignOutCompleted, SignUpCompleted,
    SubscriptionCanceled, SubscriptionChanged, SubscriptionCharge, SubscriptionDispute,
    SubscriptionExpiration, SubscriptionRefund, SubscriptionRenewal, SubscriptionReport, SubscriptionResumed,
    SubscriptionStarted, SystemEvent, TrialCanceled, TrialConverted, TrialExpiration, TrialResumed,
    TrialStarted,
};

pub use client::{
    ClientEvent, ExportFormat, PollClosed, PollCreated, PollDeleted, PollEdited, PollRestored, PollShared,
    PricingIntervalSelected, ResultsExported, ShareMethod, Surface, TrialCheckoutClicked, UpgradePromptShown,
    UpgradeReason, VoteCast,
};

pub use consent::{Choice, Consent, ConsentDefault};
pub use sdk_cookie::SdkCookie;
pub use session::{OwnSession, ResolvedSession};
pub use touch::{FirstTouch, SessionTouch, Touch, first_touch_properties};
pub use wire::WireEvent;
