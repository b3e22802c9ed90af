//! Billing: prices, the account's subscription, and the return from Stripe's Checkout.
//!
//! Every change is a form post that asks Stripe; the change itself arrives by webhook. A page that waits for a webhook
//! is kept current by an island.

pub mod actions;
mod buttons;
mod checkout_return;
mod invoices;
mod labels;
mod model;
mod page;
mod plan_card;
mod pricing;
mod queries;
mod waiting;

pub use checkout_return::CheckoutReturnPage;
pub use model::{BillingActionForm, CheckoutForm};
pub use page::BillingPage;
pub use pricing::PricingPage;
