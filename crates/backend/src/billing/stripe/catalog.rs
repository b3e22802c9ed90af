//! What is for sale: one product, two prices, found by lookup key, and the configuration of the portal.

use std::collections::HashMap;

use serde_json::Value;
use stripe_billing::billing_portal_configuration::{
    CreateBillingPortalConfiguration, CreateBillingPortalConfigurationFeatures,
    CreateBillingPortalConfigurationFeaturesSubscriptionCancel,
    CreateBillingPortalConfigurationFeaturesSubscriptionCancelMode, InvoiceListParam,
    ListBillingPortalConfiguration, PaymentMethodUpdateParam,
};
use stripe_product::price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, ListPrice};
use stripe_product::product::CreateProduct;
use tracking::Interval;

use super::{PAGE, Stripe, StripeFault};

/// Minor units of `USD`, by interval.
pub const MONTHLY: i64 = 1_200;
/// As [`MONTHLY`].
pub const YEARLY: i64 = 12_000;

/// Ours among an account's objects: a metadata key of the portal's configuration.
const OURS: &str = "seamline";

/// Stripe's IDs of what is for sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// The price each month.
    pub monthly: String,
    /// The price each year.
    pub yearly: String,
    /// The portal's configuration.
    pub portal: String,
}

impl Catalog {
    /// The price of an interval.
    pub fn price(&self, interval: Interval) -> &str {
        match interval {
            Interval::Month => &self.monthly,
            Interval::Year => &self.yearly,
        }
    }
}

/// Our name of a price; what it costs stands on Stripe's side of it.
const fn lookup_key(interval: Interval) -> &'static str {
    match interval {
        Interval::Month => "seamline_pro_month",
        Interval::Year => "seamline_pro_year",
    }
}

impl Stripe {
    /// What is for sale; `None`: something of it is missing.
    pub async fn catalog(&self) -> Result<Option<Catalog>, StripeFault> {
        let (prices, portal) = tokio::try_join!(self.prices(), self.portal_configuration())?;
        Ok(match (prices, portal) {
            ([Some(monthly), Some(yearly)], Some(portal)) => Some(Catalog {
                monthly,
                yearly,
                portal,
            }),
            _ => None,
        })
    }

    /// Makes what is missing of the catalog, and nothing twice.
    pub async fn make_catalog(&self) -> Result<Catalog, StripeFault> {
        let [monthly, yearly] = self.prices().await?;
        let mut made = Vec::new();
        for (interval, found) in [(Interval::Month, monthly), (Interval::Year, yearly)] {
            made.push(match found {
                Some(price) => price,
                None => self.make_price(interval).await?,
            });
        }
        let portal = match self.portal_configuration().await? {
            Some(portal) => portal,
            None => self.make_portal_configuration().await?,
        };
        let [monthly, yearly] = <[String; 2]>::try_from(made)
            .map_err(|_| StripeFault::Misuse("two prices were asked for".to_owned()))?;
        Ok(Catalog {
            monthly,
            yearly,
            portal,
        })
    }

    /// The monthly and the yearly price.
    async fn prices(&self) -> Result<[Option<String>; 2], StripeFault> {
        let keys = [Interval::Month, Interval::Year].map(lookup_key);
        let request = ListPrice::new()
            .active(true)
            .lookup_keys(keys.map(str::to_owned).to_vec());
        let answer = self.get(&request).await?;
        Ok(keys.map(|key| {
            let prices = answer["data"].as_array()?;
            id(prices.iter().find(|price| price["lookup_key"] == key)?)
        }))
    }

    async fn make_price(&self, interval: Interval) -> Result<String, StripeFault> {
        let product = self.product().await?;
        let (amount, each, name) = match interval {
            Interval::Month => (MONTHLY, CreatePriceRecurringInterval::Month, "Pro, monthly"),
            Interval::Year => (YEARLY, CreatePriceRecurringInterval::Year, "Pro, yearly"),
        };
        let request = CreatePrice::new(stripe_types::Currency::USD)
            .product(product)
            .unit_amount(amount)
            .recurring(CreatePriceRecurring::new(each))
            .lookup_key(lookup_key(interval))
            .nickname(name);
        made(&self.change(lookup_key(interval), &request).await?)
    }

    /// Two prices need one product: its key is the same for both.
    async fn product(&self) -> Result<String, StripeFault> {
        let request = CreateProduct::new("Seamline Pro")
            .description("Any number of open polls, closing times and exports.");
        made(&self.change("seamline_pro", &request).await?)
    }

    async fn portal_configuration(&self) -> Result<Option<String>, StripeFault> {
        let request = ListBillingPortalConfiguration::new().active(true).limit(PAGE);
        let answer = self.get(&request).await?;
        let ours = |one: &&Value| !one["metadata"][OURS].is_null();
        Ok(answer["data"]
            .as_array()
            .and_then(|all| all.iter().find(ours))
            .and_then(id))
    }

    /// Cancel at the end of the period, card, invoices. Switching between month and year is ours to offer: the portal
    /// cannot carry a click's IDs.
    async fn make_portal_configuration(&self) -> Result<String, StripeFault> {
        let mut cancel = CreateBillingPortalConfigurationFeaturesSubscriptionCancel::new(true);
        cancel.mode = Some(CreateBillingPortalConfigurationFeaturesSubscriptionCancelMode::AtPeriodEnd);
        let mut features = CreateBillingPortalConfigurationFeatures::new();
        features.subscription_cancel = Some(cancel);
        features.payment_method_update = Some(PaymentMethodUpdateParam::new(true));
        features.invoice_history = Some(InvoiceListParam::new(true));
        let request = CreateBillingPortalConfiguration::new(features)
            .metadata(HashMap::from([(OURS.to_owned(), "portal".to_owned())]));
        made(&self.change("seamline_portal", &request).await?)
    }
}

fn id(object: &Value) -> Option<String> {
    object["id"].as_str().map(str::to_owned)
}

fn made(object: &Value) -> Result<String, StripeFault> {
    id(object).ok_or(StripeFault::Unreadable(crate::billing::payload::Unreadable {
        object: "answer",
        field: "id",
    }))
}
