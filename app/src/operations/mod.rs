//! The operator's pages: how events and webhooks get through, what got stuck, and whether the money adds up.
//!
//! For everybody else these pages do not exist: they are answered as any path that leads nowhere. Forms post to
//! `/operations` and need no script. E-mail addresses stand in webhooks' payloads, and payloads stand here alone.

#[cfg(feature = "ssr")]
mod access;
mod api;
mod facts;
mod loss;
mod outbox;
mod page;
mod parts;
#[cfg(feature = "ssr")]
mod reading;
mod revenue;
mod sessions;
#[cfg(feature = "ssr")]
pub mod verbs;
mod webhooks;
#[cfg(feature = "ssr")]
mod words;

#[cfg(feature = "ssr")]
pub use access::may_operate;
pub use facts::{Action, Outcome, WebhookState};
pub use page::OperationsPage;
pub use revenue::RevenuePage;
pub use sessions::SessionsPage;
