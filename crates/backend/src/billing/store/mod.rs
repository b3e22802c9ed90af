//! SQL of billing: customers, recorded clicks, and our copy of Stripe's objects.

mod customers;
mod handoffs;
mod ledger;
mod mirror;

pub(super) use customers::{
    CustomerOwner, StripeCustomer, customer, customer_of, erase, insert_customer, set_account_type,
    touch_customer,
};
pub(super) use handoffs::{
    ClickAction, ClickRecord, checkout_of, close_checkout, insert_portal_visit, newest_portal_visit,
    open_checkouts, record_click, set_checkout,
};
pub(super) use ledger::{payers, reconcile_context, recorded};
pub use mirror::{DuplicateSubscription, PaidInvoice};
pub(super) use mirror::{
    StoredSubscription, duplicate_subscriptions, mark_duplicate, paid_invoices, subscription_ids,
    subscriptions, upsert_dispute, upsert_paid_invoice, upsert_refund, upsert_subscription,
};

use tracking::UserId;

/// Parses a user ID column.
fn user_id(text: &str) -> Result<UserId, sqlx::Error> {
    UserId::parse(text).ok_or_else(|| decode("a user ID that is not a UUID"))
}

/// The error of a column with an unexpected value.
fn decode(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
