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
use tracking::{Currency, Money, PlanInterval};

use super::{PAGE, StripeCallError, StripeClient};

/// The monthly price, in minor units of USD.
pub const MONTHLY: i64 = 1_200;
/// The yearly price, in minor units of USD.
pub const YEARLY: i64 = 12_000;

/// The price that the catalog offers for an interval.
pub const fn plan_price(interval: PlanInterval) -> Money {
    let minor = match interval {
        PlanInterval::Month => MONTHLY,
        PlanInterval::Year => YEARLY,
    };
    Money::new(minor, Currency::USD)
}

// The pricing page says so.
const _: () = assert!(YEARLY == 10 * MONTHLY, "two months of a year are free");

/// The metadata key that marks our portal configuration.
const OURS: &str = "seamline";

/// Stripe's IDs of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// The product of both prices.
    pub product: String,
    /// The monthly price.
    pub monthly: String,
    /// The yearly price.
    pub yearly: String,
    /// The portal's configuration.
    pub portal: String,
}

impl Catalog {
    /// The price of an interval.
    pub fn price(&self, interval: PlanInterval) -> &str {
        match interval {
            PlanInterval::Month => &self.monthly,
            PlanInterval::Year => &self.yearly,
        }
    }
}

/// The lookup keys of both prices.
pub(in crate::billing) fn lookup_keys() -> [&'static str; 2] {
    [PlanInterval::Month, PlanInterval::Year].map(lookup_key)
}

/// The lookup key of a price.
pub(in crate::billing) const fn lookup_key(interval: PlanInterval) -> &'static str {
    match interval {
        PlanInterval::Month => "seamline_pro_month",
        PlanInterval::Year => "seamline_pro_year",
    }
}

impl StripeClient {
    /// Reads the catalog. `None` if it is incomplete.
    pub async fn catalog(&self) -> Result<Option<Catalog>, StripeCallError> {
        let (prices, portal) = tokio::try_join!(self.prices(), self.portal_configuration())?;
        Ok(match (prices, portal) {
            ([Some(monthly), Some(yearly)], Some(portal)) => Some(Catalog {
                product: monthly.product,
                monthly: monthly.id,
                yearly: yearly.id,
                portal,
            }),
            _ => None,
        })
    }

    /// Names of the catalog's parts that do not exist: lookup keys of prices, and the portal's configuration.
    ///
    /// # Errors
    /// When Stripe cannot be reached or refuses the key.
    pub async fn missing_in_catalog(&self) -> Result<Vec<&'static str>, StripeCallError> {
        let (prices, portal) = tokio::try_join!(self.prices(), self.portal_configuration())?;
        let missing = lookup_keys().into_iter().zip(prices);
        let missing = missing.filter_map(|(key, price)| price.is_none().then_some(key));
        Ok(missing
            .chain(portal.is_none().then_some("the portal's configuration"))
            .collect())
    }

    /// Creates the missing parts of the catalog. Idempotent.
    pub async fn create_catalog(&self) -> Result<Catalog, StripeCallError> {
        let [monthly, yearly] = self.prices().await?;
        let mut prices = Vec::new();
        for (interval, found) in [(PlanInterval::Month, monthly), (PlanInterval::Year, yearly)] {
            prices.push(match found {
                Some(price) => price,
                None => self.create_price(interval).await?,
            });
        }
        let portal = match self.portal_configuration().await? {
            Some(portal) => portal,
            None => self.create_portal_configuration().await?,
        };
        let [monthly, yearly] = <[CatalogPrice; 2]>::try_from(prices)
            .map_err(|_| StripeCallError::InvalidRequest("expected two prices".to_owned()))?;
        Ok(Catalog {
            product: monthly.product,
            monthly: monthly.id,
            yearly: yearly.id,
            portal,
        })
    }

    /// The monthly and the yearly price.
    async fn prices(&self) -> Result<[Option<CatalogPrice>; 2], StripeCallError> {
        let keys = lookup_keys();
        let request = ListPrice::new()
            .active(true)
            .lookup_keys(keys.map(str::to_owned).to_vec());
        let response = self.get(&request).await?;
        Ok(keys.map(|key| {
            let prices = response["data"].as_array()?;
            CatalogPrice::read(prices.iter().find(|price| price["lookup_key"] == key)?)
        }))
    }

    async fn create_price(&self, interval: PlanInterval) -> Result<CatalogPrice, StripeCallError> {
        let product = self.product().await?;
        let (amount, each, name) = match interval {
            PlanInterval::Month => (MONTHLY, CreatePriceRecurringInterval::Month, "Pro, monthly"),
            PlanInterval::Year => (YEARLY, CreatePriceRecurringInterval::Year, "Pro, yearly"),
        };
        let request = CreatePrice::new(stripe_types::Currency::USD)
            .product(product)
            .unit_amount(amount)
            .recurring(CreatePriceRecurring::new(each))
            .lookup_key(lookup_key(interval))
            .nickname(name);
        let created = self.change(lookup_key(interval), &request).await?;
        CatalogPrice::read(&created).ok_or_else(unreadable)
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

/// A price, and the product that it belongs to.
struct CatalogPrice {
    id: String,
    product: String,
}

impl CatalogPrice {
    fn read(price: &Value) -> Option<Self> {
        Some(Self {
            id: id(price)?,
            product: price["product"].as_str()?.to_owned(),
        })
    }
}

fn id(object: &Value) -> Option<String> {
    object["id"].as_str().map(str::to_owned)
}

fn created_id(object: &Value) -> Result<String, StripeCallError> {
    id(object).ok_or_else(unreadable)
}

fn unreadable() -> StripeCallError {
    StripeCallError::Payload(crate::billing::payload::PayloadError {
        object: "response",
        field: "id",
    })
}
