//! async-stripe, the client that the application uses, lives subscriptions here: every answer must parse as its types.

mod account;
mod checkout;
mod money;
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

use crate::support::{KEY, Server};

/// A client as the application makes it: once a call, without retries.
pub(crate) fn client(server: &Server) -> Client {
    // Both this process' clients want the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    ClientBuilder::new(KEY)
        .url(format!("{}/", server.url))
        .build()
        .expect("a client")
}

/// A product with a price of 12 USD a month and one of 120 USD a year, found by their lookup keys.
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

/// A customer who pays with a card of this name; empty: without one.
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
