//! Errors of the billing actions.

use super::stripe::StripeCallError;

/// Why a billing action failed.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// A trial or a subscription is already running.
    #[error("a subscription is already running")]
    AlreadySubscribed,
    /// A subscription is suspended: it can be continued or ended, and a second one beside it would be charged as well.
    #[error("a subscription is suspended")]
    Suspended,
    /// Another Checkout page was completed just now, and its webhook has not been applied yet.
    #[error("another Checkout page was completed just now")]
    CheckoutCompleted {
        /// Stripe's ID of the Checkout session.
        checkout: String,
    },
    /// Staff deleted the account's customer in Stripe's dashboard, which ended its subscription.
    #[error("the customer was deleted at Stripe")]
    CustomerDeleted,
    /// The account has no subscription.
    #[error("there is no subscription")]
    NotSubscribed,
    /// The subscription's state does not allow the change. For example, it is already yearly, or it is paused and has no
    /// card.
    #[error("the subscription does not allow this change")]
    ChangeNotAllowed,
    /// The form's ID was recorded for another account or another action: the page is out of date.
    #[error("the page is out of date")]
    StalePage,
    /// The live Stripe account has no prices yet.
    #[error("the Stripe account has no prices; run `seamline setup-stripe`")]
    NoCatalog,
    /// The call to Stripe failed.
    #[error(transparent)]
    Stripe(#[from] StripeCallError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}
