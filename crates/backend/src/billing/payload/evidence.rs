//! Reads what says whose a webhook is: metadata, prices, subscription and payment. A value that is missing or has another
//! type is omitted, because the decision must not fail.

use std::collections::BTreeMap;

use serde_json::Value;

use super::StripeEvent;
use super::fields::{list, metadata, reference};

/// A price that a payload names, as far as the object's type and API version have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedPrice<'a> {
    /// Stripe's ID of the product.
    pub product: Option<&'a str>,
    /// The price's lookup key.
    pub lookup_key: Option<&'a str>,
}

impl StripeEvent {
    /// The object's metadata; of an invoice, its subscription's.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let places = [
            "/parent/subscription_details/metadata",
            "/subscription_details/metadata",
            "/metadata",
        ];
        let mut found = places.into_iter().filter_map(|place| self.object.pointer(place));
        found.find_map(metadata).unwrap_or_default()
    }

    /// The subscription that the object is or belongs to.
    pub fn subscription(&self) -> Option<&str> {
        if self.object["object"] == "subscription" {
            return self.object["id"].as_str();
        }
        let places = ["/parent/subscription_details/subscription", "/subscription"];
        let mut found = places.into_iter().filter_map(|place| self.object.pointer(place));
        found.find_map(reference)
    }

    /// The payment that a refund or a dispute is about.
    pub fn payment_intent(&self) -> Option<&str> {
        self.object.get("payment_intent").and_then(reference)
    }

    /// The prices of a subscription's items, before and after the change, or of an invoice's lines.
    pub fn named_prices(&self) -> Vec<NamedPrice<'_>> {
        let previous_items = self.previous.get("items");
        let lists = [self.object.get("items"), previous_items, self.object.get("lines")];
        let lines = lists.into_iter().flatten().filter_map(list).flatten();
        lines.filter_map(named_price).collect()
    }
}

/// The places of a price in an item or a line, newest API version first.
fn named_price(line: &Value) -> Option<NamedPrice<'_>> {
    let text = |place| line.pointer(place).and_then(reference);
    let places = [
        "/pricing/price_details/product",
        "/price/product",
        "/plan/product",
    ];
    let product = places.into_iter().find_map(text);
    let lookup_key = text("/price/lookup_key");
    (product.is_some() || lookup_key.is_some()).then_some(NamedPrice { product, lookup_key })
}
