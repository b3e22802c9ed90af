//! Billing against a running stand-in for Stripe.

mod changes;
mod checkout;
mod consent;
mod customer_email;
pub mod environment;
mod event_order;
mod fault_proxy;
mod faults;
mod field_cases;
mod handoffs;
mod inbox;
mod ledger;
mod mails;
mod new_customer;
mod not_ours;
mod payments;
mod replay;
mod scenarios;
pub mod stand_in;
mod stripe_api;
mod stripe_changes;
mod suspensions;
