//! Tests of the stand-in over HTTP. Every response and every webhook is checked against Stripe's types.

mod api;
mod async_stripe;
mod checkout;
mod clocks;
mod endpoints;
mod event_sequences;
mod fuzz;
mod pauses;
mod payments;
mod portal;
mod program;
mod receiver;
mod schema;
mod sdks;
mod state;
mod subscriptions;
mod test_server;
mod webhooks;
