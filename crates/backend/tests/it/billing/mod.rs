//! Billing against a served stand-in for Stripe: clicks, pages, webhooks, and what they leave behind.

mod changes;
mod checkout;
mod consent;
mod faults;
mod inbox;
mod lane;
mod ledger;
mod line;
mod lives;
mod payments;
mod stage;
mod stand_in;
