//! SQL of billing: who is whose customer, what clicks handed over, what Stripe told.

mod customers;
mod handoffs;
mod ledger;
mod mirror;

pub(super) use customers::{
    Customer, Known, consent, customer, customer_of, erase, insert_customer, set_account_type, touch_customer,
};
pub(super) use handoffs::{
    Action, Noted, checkout_of, close_checkout, insert_visit, keep_checkout, newest_visit, note,
    open_checkouts,
};
pub(super) use ledger::{payers, recorded, surroundings};
pub(super) use mirror::{
    Mirrored, keep_paid_invoice, keep_refund, keep_subscription, paid_invoices, subscriptions, turn_away,
    turned_away,
};
pub use mirror::{PaidInvoice, TurnedAway};

use tracking::UserId;

/// A column that holds one of our user IDs.
fn user_id(text: &str) -> Result<UserId, sqlx::Error> {
    UserId::parse(text).ok_or_else(|| decode("a user ID is no UUID"))
}

/// A column that holds something else than it should.
fn decode(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
