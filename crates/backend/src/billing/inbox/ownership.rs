//! Decides whether a webhook is ours, before it is stored and before anything is fetched for it.
//!
//! A Stripe account can serve several products, and each endpoint receives the webhooks of all of them. A webhook is ours
//! if our database knows its customer, subscription or payment, or if it names an account or the product of ours
//! (docs/decisions/0017-webhooks-that-are-not-ours.md). The decision is a function of values; the queries are in `store`.

use crate::billing::Billing;
use crate::billing::handoff::account_of;
use crate::billing::mapping::subject;
use crate::billing::payload::{NamedPrice, StripeEvent};
use crate::billing::plan::PlanProduct;
use crate::billing::stripe;

use super::store as inbox;

/// Why a webhook is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotOursReason {
    /// It is a test event and the key is live, or the reverse.
    OtherMode,
    /// Its type has no effect here.
    NoEffect,
    /// Its customer is unknown, and it names neither an account nor the product of ours.
    UnknownCustomer,
    /// Its customer is ours, and it is about another product.
    OtherProduct,
}

impl NotOursReason {
    const ALL: [Self; 4] = [
        Self::OtherMode,
        Self::NoEffect,
        Self::UnknownCustomer,
        Self::OtherProduct,
    ];

    /// The value of the column `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OtherMode => "other mode",
            Self::NoEffect => "no effect",
            Self::UnknownCustomer => "unknown customer",
            Self::OtherProduct => "other product",
        }
    }

    /// Reads the value of the column.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// Who the webhook's customer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedCustomer {
    /// The payload names none: a dispute, or a refund of an older API version.
    None,
    /// A customer of an account, or of a deleted account.
    Ours,
    /// No customer in our database.
    Unknown,
}

/// The account that the metadata names. Every customer and tracked subscription that we create has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NamedAccount {
    None,
    Exists,
    /// Another installation's account, or one that was deleted long ago.
    Unknown,
}

/// The products that the payload names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NamedProduct {
    /// None, because objects of this type or version name none.
    None,
    Ours,
    Other,
    /// Some, and our product's ID has not been read yet.
    Undecided,
}

/// What the decision depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OwnershipFacts {
    is_live: bool,
    has_effect: bool,
    customer: NamedCustomer,
    account: NamedAccount,
    product: NamedProduct,
    /// Whether its subscription is in our database.
    is_recorded: bool,
}

/// Why the webhook is not ours; `None` if it is. `is_key_live`: the mode of our key.
const fn decide(facts: OwnershipFacts, is_key_live: bool) -> Option<NotOursReason> {
    use NamedCustomer as Customer;
    if facts.is_live != is_key_live {
        return Some(NotOursReason::OtherMode);
    }
    if !facts.has_effect {
        return Some(NotOursReason::NoEffect);
    }
    match (facts.customer, facts.account, facts.product) {
        _ if facts.is_recorded => None,
        (_, NamedAccount::Exists, _) => None,
        // Its payment decides later, because a dispute can overtake the webhook of its payment.
        (Customer::None, NamedAccount::None, NamedProduct::None) => None,
        (Customer::Ours, _, NamedProduct::Other) => Some(NotOursReason::OtherProduct),
        (Customer::Ours, ..) => None,
        (_, NamedAccount::Unknown, _) | (_, _, NamedProduct::None | NamedProduct::Other) => {
            Some(NotOursReason::UnknownCustomer)
        }
        // Our product for a customer without account: an operator must know.
        (_, NamedAccount::None, NamedProduct::Ours | NamedProduct::Undecided) => None,
    }
}

impl Billing {
    /// Why the webhook is not ours; `None` if it is. Reads the database, not Stripe. `product` is `None` until the
    /// catalog has been read; a webhook that only the product decides then counts as ours until it is applied.
    pub(super) async fn why_not_ours(
        &self,
        event: &StripeEvent,
        customer: NamedCustomer,
        product: Option<&PlanProduct>,
    ) -> Result<Option<NotOursReason>, sqlx::Error> {
        let (pool, is_key_live) = (self.db.pool(), self.stripe.is_live());
        let mut facts = OwnershipFacts {
            is_live: event.livemode,
            // An unreadable webhook of a relevant type is parked, so that operators see it.
            has_effect: !matches!(subject(event), Ok(None)),
            customer,
            account: NamedAccount::None,
            product: NamedProduct::None,
            is_recorded: false,
        };
        if facts.is_live != is_key_live || !facts.has_effect {
            return Ok(decide(facts, is_key_live));
        }
        facts.product = named_product(&event.named_prices(), product);
        if customer != NamedCustomer::Ours || facts.product == NamedProduct::Other {
            facts.account = match account_of(&event.metadata()) {
                Some(account) if inbox::account_exists(pool, account).await? => NamedAccount::Exists,
                Some(_) => NamedAccount::Unknown,
                None => NamedAccount::None,
            };
        }
        if let (NamedProduct::Other, Some(subscription)) = (facts.product, event.subscription()) {
            facts.is_recorded = inbox::is_recorded(pool, subscription).await?;
        }
        Ok(decide(facts, is_key_live))
    }

    /// The customer that the webhook names, or whose recorded payment it is about.
    pub(super) async fn customer_of(&self, event: &StripeEvent) -> Result<Option<String>, sqlx::Error> {
        match (event.customer(), event.payment_intent()) {
            (Some(customer), _) => Ok(Some(customer.to_owned())),
            (None, Some(payment)) => inbox::customer_of_payment(self.db.pool(), payment).await,
            (None, None) => Ok(None),
        }
    }
}

/// `product`: the product of ours; `None` while it is unknown.
fn named_product(prices: &[NamedPrice], product: Option<&PlanProduct>) -> NamedProduct {
    let is_ours = |price: &NamedPrice| {
        let has_key = price
            .lookup_key
            .is_some_and(|key| stripe::lookup_keys().contains(&key));
        let id = product.and_then(|product| product.id.as_deref());
        has_key || (id.is_some() && price.product == id)
    };
    match prices {
        [] => NamedProduct::None,
        prices if prices.iter().any(is_ours) => NamedProduct::Ours,
        _ if product.is_none() => NamedProduct::Undecided,
        _ => NamedProduct::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_13_and_16_a_webhook_is_ours_by_mode_type_customer_account_and_product() {
        use NamedAccount as A;
        use NamedCustomer as C;
        use NamedProduct as P;
        use NotOursReason::{NoEffect, OtherMode, OtherProduct, UnknownCustomer};
        let ours = OwnershipFacts {
            is_live: false,
            has_effect: true,
            customer: C::Ours,
            account: A::None,
            product: P::Ours,
            is_recorded: false,
        };
        let live = OwnershipFacts {
            is_live: true,
            ..ours
        };
        assert_eq!(decide(live, false), Some(OtherMode));
        assert_eq!(decide(ours, true), Some(OtherMode));
        assert_eq!(decide(live, true), None);
        let unrelated = OwnershipFacts {
            has_effect: false,
            ..ours
        };
        assert_eq!(decide(unrelated, false), Some(NoEffect));
        let rows = [
            (C::Ours, A::None, P::None, None),
            (C::Ours, A::None, P::Ours, None),
            (C::Ours, A::None, P::Undecided, None),
            (C::Ours, A::None, P::Other, Some(OtherProduct)),
            (C::Ours, A::Unknown, P::Other, Some(OtherProduct)),
            // Our Checkout made it, so its product was ours.
            (C::Ours, A::Exists, P::Other, None),
            // Our record of the customer is missing: the answer to our call was lost.
            (C::Unknown, A::Exists, P::None, None),
            (C::Unknown, A::Exists, P::Other, None),
            (C::Unknown, A::None, P::Ours, None),
            (C::Unknown, A::None, P::Undecided, None),
            (C::Unknown, A::None, P::None, Some(UnknownCustomer)),
            (C::Unknown, A::None, P::Other, Some(UnknownCustomer)),
            // Another installation with the same catalog.
            (C::Unknown, A::Unknown, P::Ours, Some(UnknownCustomer)),
            (C::Unknown, A::Unknown, P::None, Some(UnknownCustomer)),
            // A dispute.
            (C::None, A::None, P::None, None),
            (C::None, A::None, P::Other, Some(UnknownCustomer)),
            (C::None, A::Unknown, P::None, Some(UnknownCustomer)),
        ];
        for (customer, account, product, expected) in rows {
            let facts = OwnershipFacts {
                customer,
                account,
                product,
                ..ours
            };
            let row = format!("{customer:?} {account:?} {product:?}");
            assert_eq!(decide(facts, false), expected, "{row}");
            let recorded = OwnershipFacts {
                is_recorded: true,
                ..facts
            };
            assert_eq!(
                decide(recorded, false),
                None,
                "{row}, with a recorded subscription"
            );
        }
    }

    #[test]
    fn the_product_is_known_by_its_id_or_by_a_lookup_key() {
        let price = |product, lookup_key| NamedPrice { product, lookup_key };
        let [key, _] = stripe::lookup_keys();
        let product = PlanProduct {
            id: Some("prod_1".to_owned()),
            lookup_keys: Vec::new(),
        };
        let rows = [
            (vec![], NamedProduct::None, NamedProduct::None),
            (
                vec![price(Some("prod_1"), None)],
                NamedProduct::Undecided,
                NamedProduct::Ours,
            ),
            (
                vec![price(None, Some(key))],
                NamedProduct::Ours,
                NamedProduct::Ours,
            ),
            (
                vec![price(Some("prod_2"), Some("basic"))],
                NamedProduct::Undecided,
                NamedProduct::Other,
            ),
            (
                vec![price(Some("prod_2"), None), price(Some("prod_1"), None)],
                NamedProduct::Undecided,
                NamedProduct::Ours,
            ),
        ];
        for (prices, before_reading, expected) in rows {
            assert_eq!(named_product(&prices, None), before_reading, "{prices:?}");
            assert_eq!(named_product(&prices, Some(&product)), expected, "{prices:?}");
        }
        let none = PlanProduct::default();
        assert_eq!(
            named_product(&[price(Some("prod_1"), None)], Some(&none)),
            NamedProduct::Other,
            "a Stripe account without our catalog"
        );
    }
}
