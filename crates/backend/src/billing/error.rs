//! Why a verb of billing did nothing.

use super::stripe::StripeFault;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// A trial or a subscription runs already.
    #[error("a subscription is running already")]
    AlreadySubscribed,
    /// Another Checkout page was completed just now, and its webhook is under way.
    #[error("another Checkout page was completed just now")]
    CheckoutCompleted {
        /// Stripe's ID of the session.
        checkout: String,
    },
    /// There is nothing to change.
    #[error("there is no subscription")]
    NotSubscribed,
    /// It cannot be changed as it stands: it pays by year already, say.
    #[error("the subscription does not allow that as it stands")]
    NotAsItStands,
    /// The click was noted for another account or another button: the page is out of date.
    #[error("the page is out of date")]
    StalePage,
    /// A live account that nobody has set up.
    #[error("Stripe's account has no prices of ours; `seamline setup-stripe` makes them")]
    NoCatalog,
    /// Stripe is.
    #[error(transparent)]
    Stripe(#[from] StripeFault),
    /// We are.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}
