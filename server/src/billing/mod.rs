//! Stripe's webhooks, and the feed that reports to an open page that one was applied.

mod live;
mod webhook;

pub use live::live;
pub use webhook::{MAX_BYTES, webhook};
