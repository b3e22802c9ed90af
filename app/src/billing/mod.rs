//! Billing: prices, the account's subscription, and the way back from Stripe's Checkout.
//!
//! Every change is a form post, with script and without: Stripe's pages are where they lead. What a script adds is that
//! the click has left for Amplitude before the page does, and that a page which waits for a webhook hears of it.

mod api;
mod buttons;
mod checkout_return;
mod facts;
mod invoices;
#[cfg_attr(feature = "hydrate", path = "live_browser.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "live_none.rs")]
mod live;
mod page;
mod plan_card;
mod pricing;
#[cfg(feature = "ssr")]
pub mod verbs;
#[cfg(feature = "ssr")]
mod words;

pub use checkout_return::CheckoutReturnPage;
pub use facts::{Action, BillingForm};
pub use page::BillingPage;
pub use pricing::PricingPage;
