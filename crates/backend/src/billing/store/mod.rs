//! SQL of billing: customers, recorded clicks, and our copy of Stripe's objects.

mod causes;
mod customers;
mod handoffs;
mod ledger;
mod mirror;
mod subscriptions;

pub(super) use causes::reported_events;
pub(super) use customers::{
    CustomerOwner, REVISIONS, StripeCustomer, customer, customer_ids, customer_of, erase, insert_customer,
    lock_account, mark_customer_deleted, revision, set_account_type, touch_customer,
};
pub(super) use handoffs::{
    ClickAction, ClickRecord, checkout_of, clicks, close_checkout, forget_address, insert_portal_visit,
    open_checkouts, portal_visits, record_click, set_checkout, trace_parent_of,
};
pub(super) use ledger::{payers, reconcile_context, recorded};
pub use mirror::PaidInvoice;
pub(super) use mirror::{
    insert_payment, paid_invoices, recorded_invoices, upsert_dispute, upsert_paid_invoice, upsert_refund,
};
pub use subscriptions::DuplicateSubscription;
pub(super) use subscriptions::{
    StoredSubscription, SubscriptionRole, duplicate_subscriptions, mark_duplicate, subscription_ids,
    subscriptions, upsert_subscription,
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
