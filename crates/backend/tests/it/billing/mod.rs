//! Billing against a running stand-in for Stripe.

mod changes;
mod checkout;
mod consent;
mod customer_email;
mod environment;
mod fault_proxy;
mod faults;
mod field_cases;
mod inbox;
mod ledger;
mod payments;
mod scenarios;
mod stand_in;
mod stripe_api;
