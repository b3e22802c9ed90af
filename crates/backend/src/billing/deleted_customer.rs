//! Customers that staff deleted in Stripe's dashboard.
//!
//! Deleting a customer ends its subscriptions, and it cannot be undone. Our record learns of it by the webhook
//! `customer.deleted`, or by a rejected call that comes before the webhook. The record keeps the customer with its payments,
//! so the account's history stays complete, and the next Checkout creates another customer. The event of the end comes
//! from the webhook of each subscription.

use tracking::UserId;

use super::plan::Plan;
use super::store;
use super::stripe::StripeCallError;
use super::{Billing, BillingError};

impl Billing {
    /// The result of a call about the account's customer. If Stripe rejected it because the customer is deleted, our record
    /// is updated, and the error is [`BillingError::CustomerDeleted`].
    pub(super) async fn check_customer<T>(
        &self,
        account: UserId,
        customer: &str,
        result: Result<T, StripeCallError>,
    ) -> Result<T, BillingError> {
        match result {
            Err(StripeCallError::Rejected { .. }) if self.record_if_deleted(account, customer).await? => {
                Err(BillingError::CustomerDeleted)
            }
            result => Ok(result?),
        }
    }

    /// Asks Stripe whether the customer is deleted, and records it.
    async fn record_if_deleted(&self, account: UserId, customer: &str) -> Result<bool, BillingError> {
        let is_deleted = match self.stripe.is_customer_deleted(customer).await {
            // The key may be one of another Stripe account. A running subscription does not end because of that.
            Err(error) if error.is_missing() => {
                let subscriptions = store::subscriptions(self.db.pool(), account).await?;
                !subscriptions.iter().any(store::StoredSubscription::grants_pro)
            }
            found => found?,
        };
        if is_deleted {
            let mut tx = self.db.write().await?;
            self.record_deleted_customer(&mut tx, account, customer).await?;
            tx.commit().await?;
            self.revisions.changed(&account.to_string());
        }
        Ok(is_deleted)
    }

    /// Marks the customer as deleted. The account keeps Pro only if another customer's subscription grants it.
    pub(super) async fn record_deleted_customer(
        &self,
        connection: &mut db::Connection,
        account: UserId,
        customer: &str,
    ) -> Result<(), sqlx::Error> {
        store::lock_account(connection, account).await?;
        store::mark_customer_deleted(connection, customer, self.clock.now_ms()).await?;
        let subscriptions = store::subscriptions(&mut *connection, account).await?;
        let plan = match subscriptions.iter().any(store::StoredSubscription::grants_pro) {
            true => Plan::Pro,
            false => Plan::Free,
        };
        store::set_account_type(account, plan.account_type())
            .execute(connection)
            .await?;
        Ok(())
    }
}
