//! A local stand-in for Stripe's billing, without an account and without network access.
//!
//! It implements one version of the API (2026-09-30.endive) with Stripe's forms, errors, idempotency and lists, a hosted
//! Checkout page and a customer portal. Its billing clock and its test clocks can be moved. It sends signed webhooks, and
//! can delay, duplicate, reorder and drop them for tests. It has no tax, coupons, Connect or metering. It moves no money,
//! accepts test cards only, and listens on loopback addresses.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let stand_in = stripe_local::open(stripe_local::StripeStandInSettings::default()).await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:12111").await?;
//! stripe_local::serve(listener, stand_in, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

// Large objects are built with `json!`, which recurses once per field.
#![recursion_limit = "512"]

mod api;
mod api_error;
mod billing;
mod delivery_client;
mod engine;
mod form;
mod http;
mod money;
mod records;
mod render;
mod safety;
mod server;
mod settings;
mod stand_in;
mod store;
mod webhooks;

pub use local_service::{ServeError, StateError, StateLocation, WallClock};
pub use server::serve;
pub use settings::{
    AccountRules, AfterLastRetry, StripeStandInOpenError, StripeStandInSettings, WebhookTarget,
};
pub use stand_in::{StripeStandIn, open};
