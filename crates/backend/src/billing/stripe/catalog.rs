//! The catalog: one product, two prices found by lookup key, and the portal's configuration.

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

use super::{PAGE, StripeCallError, StripeClient};

/// The monthly price, in minor units of USD.
pub const MONTHLY: i64 = 1_200;
/// The yearly price, in minor units of USD.
pub const YEARLY: i64 = 12_000;

/// The metadata key that marks our portal configuration.
const OURS: &str = "seamline";

/// Stripe's IDs of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// The monthly price.
    pub monthly: String,
    /// The yearly price.
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

/// The lookup key of a price.
const fn lookup_key(interval: Interval) -> &'static str {
    match interval {
        Interval::Month => "seamline_pro_month",
        Interval::Year => "seamline_pro_year",
    }
}

impl StripeClient {
    /// Reads the catalog. `None` if it is incomplete.
    pub async fn catalog(&self) -> Result<Option<Catalog>, StripeCallError> {
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

    /// Creates the missing parts of the catalog. Idempotent.
    pub async fn create_catalog(&self) -> Result<Catalog, StripeCallError> {
        let [monthly, yearly] = self.prices().await?;
        let mut prices = Vec::new();
        for (interval, found) in [(Interval::Month, monthly), (Interval::Year, yearly)] {
            prices.push(match found {
                Some(price) => price,
                None => self.create_price(interval).await?,
            });
        }
        let portal = match self.portal_configuration().await? {
            Some(portal) => portal,
            None => self.create_portal_configuration().await?,
        };
        let [monthly, yearly] = <[String; 2]>::try_from(prices)
            .map_err(|_| StripeCallError::InvalidRequest("expected two prices".to_owned()))?;
        Ok(Catalog {
            monthly,
            yearly,
            portal,
        })
    }

    /// The monthly and the yearly price.
    async fn prices(&self) -> Result<[Option<String>; 2], StripeCallError> {
        let keys = [Interval::Month, Interval::Year].map(lookup_key);
        let request = ListPrice::new()
            .active(true)
            .lookup_keys(keys.map(str::to_owned).to_vec());
        let response = self.get(&request).await?;
        Ok(keys.map(|key| {
            let prices = response["data"].as_array()?;
            id(prices.iter().find(|price| price["lookup_key"] == key)?)
        }))
    }

    async fn create_price(&self, interval: Interval) -> Result<String, StripeCallError> {
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
        created_id(&self.change(lookup_key(interval), &request).await?)
    }

    /// Both prices belong to one product, so its idempotency key is the same for both.
    async fn product(&self) -> Result<String, StripeCallError> {
        let request = CreateProduct::new("Seamline Pro")
            .description("Any number of open polls, closing times and exports.");
        created_id(&self.change("seamline_pro", &request).await?)
    }

    async fn portal_configuration(&self) -> Result<Option<String>, StripeCallError> {
        let request = ListBillingPortalConfiguration::new().active(true).limit(PAGE);
        let response = self.get(&request).await?;
        let ours = |one: &&Value| !one["metadata"][OURS].is_null();
        Ok(response["data"]
            .as_array()
            .and_then(|all| all.iter().find(ours))
            .and_then(id))
    }

    /// The portal offers cancellation at the end of the period, card and invoices. The app offers the change of
    /// interval itself, because the portal does not carry a click's IDs.
    async fn create_portal_configuration(&self) -> Result<String, StripeCallError> {
        let mut cancel = CreateBillingPortalConfigurationFeaturesSubscriptionCancel::new(true);
        cancel.mode = Some(CreateBillingPortalConfigurationFeaturesSubscriptionCancelMode::AtPeriodEnd);
        let mut features = CreateBillingPortalConfigurationFeatures::new();
        features.subscription_cancel = Some(cancel);
        features.payment_method_update = Some(PaymentMethodUpdateParam::new(true));
        features.invoice_history = Some(InvoiceListParam::new(true));
        let request = CreateBillingPortalConfiguration::new(features)
            .metadata(HashMap::from([(OURS.to_owned(), "portal".to_owned())]));
        created_id(&self.change("seamline_portal", &request).await?)
    }
}

fn id(object: &Value) -> Option<String> {
    object["id"].as_str().map(str::to_owned)
}

fn created_id(object: &Value) -> Result<String, StripeCallError> {
    id(object).ok_or(StripeCallError::Payload(crate::billing::payload::PayloadError {
        object: "response",
        field: "id",
    }))
}
