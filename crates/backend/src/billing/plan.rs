//! The plan of an account and the status of its subscription.
//!
//! Both follow from Stripe's status, for a subscription with an item of our product. A subscription is `active` for an hour before its first payment, and `past_due`
//! while Stripe retries a payment. Both grant Pro.

use tracking::{AccountType, SubscriptionStatus};

use super::payload::{Price, StripeStatus, Subscription, SubscriptionTerms, TermsItem};

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
    /// Lookup keys of the catalogue's prices.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    /// The terms of one item.
    fn terms(product: &str, lookup_key: Option<&str>) -> SubscriptionTerms {
        let object = json!({
            "id": "sub_1", "customer": "cus_1", "status": "active", "created": 1, "cancel_at_period_end": false,
            "items": {"data": [{"id": "si_1", "quantity": 1, "price": {
                "id": "price_1", "product": product, "lookup_key": lookup_key,
                "recurring": {"interval": "month", "interval_count": 1},
            }}]},
        });
        Subscription::read(&object).unwrap().terms
    }

    fn product() -> PlanProduct {
        PlanProduct {
            id: Some("prod_1".to_owned()),
            lookup_keys: vec!["pro_month".to_owned()],
        }
    }

    #[test]
    fn the_plan_follows_from_the_product_or_the_lookup_key() {
        let unknown = PlanProduct {
            id: None,
            ..product()
        };
        for (why, terms, known, without_id) in [
            (
                "our product, a price of staff",
                terms("prod_1", None),
                true,
                false,
            ),
            ("our lookup key", terms("prod_old", Some("pro_month")), true, true),
            ("another product", terms("prod_2", None), false, false),
            ("another key", terms("prod_2", Some("basic")), false, false),
            ("no items", SubscriptionTerms::default(), false, false),
        ] {
            assert_eq!(product().is_of(&terms), known, "{why}");
            assert_eq!(unknown.is_of(&terms), without_id, "{why}");
        }
        let mut both = terms("prod_2", None);
        both.items.extend(terms("prod_1", None).items);
        assert!(product().is_of(&both), "one of two items");
        assert_eq!(
            product().item(&both).unwrap().price.product.as_deref(),
            Some("prod_1")
        );
    }

    fn subscription(status: &str) -> Subscription {
        Subscription {
            id: "sub_1".to_owned(),
            customer: "cus_1".to_owned(),
            status: StripeStatus::read(status),
            metadata: BTreeMap::new(),
            created: 1,
            cancel_at: None,
            cancel_at_period_end: false,
            canceled_at: None,
            ended_at: None,
            trial_start: None,
            trial_end: None,
            terms: terms("prod_1", None),
            current_period: None,
            latest_invoice: None,
            payment_method: None,
        }
    }

    #[test]
    fn every_stripe_status_has_a_plan_and_a_status() {
        use SubscriptionStatus::{Active, Canceled, Expired, PastDue, TrialCanceled, Trialing};
        let rows = [
            ("incomplete", Plan::Free, Expired, Expired),
            ("incomplete_expired", Plan::Free, Expired, Expired),
            ("trialing", Plan::Pro, Trialing, TrialCanceled),
            ("active", Plan::Pro, Active, Canceled),
            ("past_due", Plan::Pro, PastDue, Canceled),
            ("canceled", Plan::Free, Expired, Expired),
            ("unpaid", Plan::Free, Expired, Expired),
            ("paused", Plan::Free, Expired, Expired),
            ("a future status", Plan::Free, Expired, Expired),
            ("", Plan::Free, Expired, Expired),
        ];
        for (word, gives, running, scheduled) in rows {
            let open = subscription(word);
            let classic = Subscription {
                cancel_at_period_end: true,
                ..open.clone()
            };
            let flexible = Subscription {
                cancel_at: Some(2),
                ..open.clone()
            };
            let both = Subscription {
                cancel_at: Some(2),
                ..classic.clone()
            };
            assert_eq!(plan(&open.status), gives, "{word}");
            assert_eq!(subscription_status(&open), running, "{word}");
            for ending in [&classic, &flexible, &both] {
                assert_eq!(subscription_status(ending), scheduled, "{word}");
            }
            for any in [&open, &classic, &flexible, &both] {
                assert_eq!(
                    subscription_status(any).account_type(),
                    plan(&any.status).account_type(),
                    "{word}"
                );
            }
        }
    }

    #[test]
    fn an_account_has_the_status_of_its_newest_running_subscription() {
        let at = |created, status| Subscription {
            created,
            ..subscription(status)
        };
        let foreign = Subscription {
            terms: terms("prod_2", None),
            ..at(9, "active")
        };
        let rows: [(&str, &[Subscription], SubscriptionStatus); 7] = [
            ("of another product", &[foreign], SubscriptionStatus::Expired),
            ("none", &[], SubscriptionStatus::Expired),
            ("one", &[at(1, "trialing")], SubscriptionStatus::Trialing),
            ("ended", &[at(1, "canceled")], SubscriptionStatus::Expired),
            (
                "a new one after the end",
                &[at(1, "canceled"), at(2, "active")],
                SubscriptionStatus::Active,
            ),
            (
                "a duplicate was canceled",
                &[at(1, "trialing"), at(2, "canceled")],
                SubscriptionStatus::Trialing,
            ),
            (
                "two run",
                &[at(2, "past_due"), at(1, "active")],
                SubscriptionStatus::PastDue,
            ),
        ];
        for (why, subscriptions, expected) in rows {
            assert_eq!(account_status(subscriptions, &product()), expected, "{why}");
            assert_eq!(
                account_status(subscriptions.iter().rev(), &product()),
                expected,
                "{why}, in reverse order"
            );
        }
    }
}
