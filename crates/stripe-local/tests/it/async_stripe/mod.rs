//! The stand-in used with async-stripe, the client of the application. Every response must parse as its types.

mod account;
mod checkout;
mod payments;
mod subscription;

use std::collections::HashMap;

use stripe::{Client, ClientBuilder};
use stripe_core::customer::{CreateCustomer, CreateCustomerInvoiceSettings};
use stripe_product::{
    Price,
    price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval},
    product::CreateProduct,
};
use stripe_shared::Customer;
use stripe_types::Currency;

use crate::test_server::{KEY, TestServer};

/// A client with the application's configuration.
pub(crate) fn client(server: &TestServer) -> Client {
    // Fails if another client of this process has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    ClientBuilder::new(KEY)
        .url(format!("{}/", server.url))
        .build()
        .expect("a client")
}

/// Creates a product with a price of 12 USD per month and one of 120 USD per year, with lookup keys.
pub(crate) async fn prices(client: &Client) -> (Price, Price) {
    let product = CreateProduct::new("Pro")
        .description("Polls without limits")
        .metadata(HashMap::from([("plan".to_owned(), "pro".to_owned())]))
        .send(client)
        .await
        .expect("a product");
    let price = async |key: &str, amount: i64, interval: CreatePriceRecurringInterval| {
        CreatePrice::new(Currency::USD)
            .product(product.id.as_str())
            .unit_amount(amount)
            .recurring(CreatePriceRecurring::new(interval))
            .lookup_key(key)
            .transfer_lookup_key(true)
            .send(client)
            .await
            .expect("a price")
    };
    (
        price("pro_monthly", 1200, CreatePriceRecurringInterval::Month).await,
        price("pro_yearly", 12_000, CreatePriceRecurringInterval::Year).await,
    )
}

/// Creates a customer with a default card. An empty name means no card.
pub(crate) async fn customer(client: &Client, card: &str) -> Customer {
    let new = CreateCustomer::new().email("zoe@example.com").name("Zoë");
    let new = if card.is_empty() {
        new
    } else {
        let settings = CreateCustomerInvoiceSettings {
            default_payment_method: Some(card.to_owned()),
            ..CreateCustomerInvoiceSettings::new()
        };
        new.payment_method(card).invoice_settings(settings)
    };
    new.send(client).await.expect("a customer")
}
