//! Products, prices and customers.

use serde::{Deserialize, Serialize};

use crate::form::Metadata;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProductRecord {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) active: bool,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) default_price: Option<String>,
    pub(crate) images: Vec<String>,
    pub(crate) metadata: Metadata,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) unit_label: Option<String>,
    pub(crate) url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PriceRecord {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) active: bool,
    /// Lowercase ISO code.
    pub(crate) currency: String,
    /// Minor units.
    pub(crate) unit_amount: i64,
    /// `None` for a one-time price.
    pub(crate) recurring: Option<Recurring>,
    pub(crate) lookup_key: Option<String>,
    pub(crate) nickname: Option<String>,
    pub(crate) product: String,
    pub(crate) metadata: Metadata,
    pub(crate) tax_behavior: String,
}

/// A billing interval and how many of them a period has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recurring {
    pub(crate) interval: PriceInterval,
    pub(crate) count: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PriceInterval {
    Day,
    Week,
    Month,
    Year,
}

impl PriceInterval {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Day, Self::Week, Self::Month, Self::Year]
            .into_iter()
            .find(|interval| interval.as_str() == word)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CustomerRecord {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
    /// Pays the invoices of subscriptions without their own card.
    pub(crate) default_payment_method: Option<String>,
    /// Set by the first subscription.
    pub(crate) currency: Option<String>,
    /// The beginning of the customer's invoice numbers.
    pub(crate) invoice_prefix: String,
    pub(crate) next_invoice: i64,
    pub(crate) test_clock: Option<String>,
    pub(crate) deleted: bool,
}
