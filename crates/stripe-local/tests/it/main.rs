//! The stand-in over real HTTP, as its users meet it. Every answer and every webhook is checked against Stripe's types.

mod api;
mod async_stripe;
mod checkout;
mod endpoints;
mod lives;
mod money;
mod pauses;
mod portal;
mod program;
mod receiver;
mod schema;
mod sdks;
mod sequences;
mod state;
mod support;
mod webhooks;
