//! A local stand-in for Stripe: subscriptions from Checkout to the last renewal, without an account or a network.
//!
//! It speaks the API at one version (2026-09-30.endive) with forms, errors, idempotency and lists as Stripe's, shows
//! a hosted Checkout page and a customer portal, keeps a billing clock that can be moved (one for everything, and test
//! clocks), and posts signed webhooks that can be delayed, doubled, shuffled and lost on purpose. It has no tax, no
//! coupons, no Connect and no metering; it moves no money, takes test cards only, and listens on loopback addresses.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let stripe = stripe_local::open(stripe_local::Settings::default()).await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:12111").await?;
//! stripe_local::serve(listener, stripe, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

// Objects with many fields are written with `json!`.
#![recursion_limit = "512"]

mod api;
mod billing;
mod engine;
mod failure;
mod form;
mod http;
mod money;
mod render;
mod server;
mod settings;
mod store;
mod stripe;
mod webhooks;
mod world;

pub use local_service::{ServeError, StateError, StateLocation, WallClock};
pub use server::serve;
pub use settings::{AfterLastRetry, OpenError, Rules, Settings, WebhookTarget};
pub use stripe::{Stripe, open};
