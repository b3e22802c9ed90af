//! Whether the money adds up: Stripe's ledger, our record of it, and the revenue events.

mod facts;
mod page;
#[cfg(feature = "ssr")]
pub(super) mod reading;

pub use facts::Revenue;
pub use page::RevenuePage;
