//! The plan of an account and the status of its subscription.
//!
//! Both follow from Stripe's status, for a subscription with an item of our product. A subscription is `active` for an hour
//! before its first payment, and `past_due` while Stripe retries a payment. Both grant Pro.

use tracking::{AccountType, SubscriptionStatus};

use super::payload::{Invoice, Price, StripeStatus, Subscription, SubscriptionTerms, TermsItem};

/// What an account may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The plan without a subscription.
    Free,
    /// A trial or a paid subscription.
    Pro,
}

impl Plan {
    /// The value of the user property `account_type`.
    pub const fn account_type(self) -> AccountType {
        match self {
            Self::Free => AccountType::Free,
            Self::Pro => AccountType::Pro,
        }
    }
}

/// The plan that a subscription with this status grants. An unknown status grants [`Plan::Free`].
pub const fn plan(status: &StripeStatus) -> Plan {
    match status {
        StripeStatus::Trialing | StripeStatus::Active | StripeStatus::PastDue => Plan::Pro,
        StripeStatus::Incomplete
        | StripeStatus::IncompleteExpired
        | StripeStatus::Canceled
        | StripeStatus::Unpaid
        | StripeStatus::Paused
        | StripeStatus::Other(_) => Plan::Free,
    }
}

/// Why a subscription that has not ended grants no Pro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuspensionReason {
    /// The trial ended without a card, or staff paused it.
    Paused,
    /// All attempts to collect a payment failed.
    Unpaid,
    /// The first payment is not made yet.
    Incomplete,
}

/// The reason why a subscription with this status is suspended; `None` if it grants Pro or has ended.
pub const fn suspension(status: &StripeStatus) -> Option<SuspensionReason> {
    match status {
        StripeStatus::Paused => Some(SuspensionReason::Paused),
        StripeStatus::Unpaid => Some(SuspensionReason::Unpaid),
        StripeStatus::Incomplete => Some(SuspensionReason::Incomplete),
        StripeStatus::Trialing
        | StripeStatus::Active
        | StripeStatus::PastDue
        | StripeStatus::Canceled
        | StripeStatus::IncompleteExpired
        | StripeStatus::Other(_) => None,
    }
}

/// The subscription's status in the tracking plan. A subscription that does not grant Pro counts as expired.
pub const fn subscription_status(subscription: &Subscription) -> SubscriptionStatus {
    match (&subscription.status, subscription.is_scheduled_to_end()) {
        (StripeStatus::Trialing, false) => SubscriptionStatus::Trialing,
        (StripeStatus::Trialing, true) => SubscriptionStatus::TrialCanceled,
        (StripeStatus::Active, false) => SubscriptionStatus::Active,
        (StripeStatus::PastDue, false) => SubscriptionStatus::PastDue,
        (StripeStatus::Active | StripeStatus::PastDue, true) => SubscriptionStatus::Canceled,
        (
            StripeStatus::Incomplete
            | StripeStatus::IncompleteExpired
            | StripeStatus::Canceled
            | StripeStatus::Unpaid
            | StripeStatus::Paused
            | StripeStatus::Other(_),
            _,
        ) => SubscriptionStatus::Expired,
    }
}

/// The product that is the Pro plan. Prices that staff create for it, in any currency and interval, grant Pro as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanProduct {
    /// Stripe's ID of the product; `None` while it is unknown.
    pub id: Option<String>,
    /// Lookup keys of the catalog's prices.
    pub lookup_keys: Vec<String>,
}

impl PlanProduct {
    /// Whether the price is one of the plan.
    pub fn has(&self, price: &Price) -> bool {
        let is_key = |key: &String| self.lookup_keys.contains(key);
        (self.id.is_some() && price.product == self.id) || price.lookup_key.as_ref().is_some_and(is_key)
    }

    /// Whether a subscription with these terms is one of the plan.
    pub fn is_of(&self, terms: &SubscriptionTerms) -> bool {
        terms.items.iter().any(|item| self.has(&item.price))
    }

    /// The plan's item; the first item if none is of the plan, for a subscription that was changed to another product.
    pub fn item<'a>(&self, terms: &'a SubscriptionTerms) -> Option<&'a TermsItem> {
        let mut items = terms.items.iter();
        items
            .find(|item| self.has(&item.price))
            .or_else(|| terms.items.first())
    }
}

/// The account's status: that of its newest subscription of the plan that grants Pro, or expired. A webhook of an old
/// subscription does not override a running one.
pub fn account_status<'a>(
    subscriptions: impl IntoIterator<Item = &'a Subscription>,
    product: &PlanProduct,
) -> SubscriptionStatus {
    subscriptions
        .into_iter()
        .filter(|subscription| plan(&subscription.status) == Plan::Pro && product.is_of(&subscription.terms))
        .max_by_key(|subscription| (subscription.created, &subscription.id))
        .map_or(SubscriptionStatus::Expired, subscription_status)
}

/// The customer's subscriptions of the plan that grant Pro beside an older one that does, oldest first.
pub fn second_subscriptions<'a>(
    subscriptions: impl IntoIterator<Item = &'a Subscription>,
    product: &PlanProduct,
) -> Vec<&'a Subscription> {
    let mut running: Vec<&Subscription> = subscriptions
        .into_iter()
        .filter(|subscription| plan(&subscription.status) == Plan::Pro && product.is_of(&subscription.terms))
        .collect();
    running.sort_by_key(|subscription| (subscription.created, &subscription.id));
    running.into_iter().skip(1).collect()
}

/// Whether a second subscription may be canceled without asking staff: it is on trial, and Stripe lists no paid invoice of
/// it with an amount. Otherwise a customer would have paid for a subscription that is then ended.
pub fn may_cancel_second(second: &Subscription, paid_invoices: &[Invoice]) -> bool {
    // The total, because a customer's balance is money too.
    second.status == StripeStatus::Trialing && paid_invoices.iter().all(|invoice| invoice.total_minor <= 0)
}

#[cfg(test)]
mod tests;
