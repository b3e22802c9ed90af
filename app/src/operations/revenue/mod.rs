//! Reconciliation of revenue: Stripe's ledger, our record of it, and the revenue events.

mod page;
mod queries;

pub use page::RevenuePage;
