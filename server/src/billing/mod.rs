//! Billing at the border: Stripe's webhooks, the posts of the billing pages' forms, and the feed that tells an open page
//! that something was applied.

mod forms;
mod live;
mod webhook;

pub use forms::{change, checkout};
pub use live::live;
pub use webhook::{MAX_BYTES, webhook};
