//! The stand-in over real HTTP, as its users meet it. Every answer and every webhook is checked against Stripe's types.

mod api;
mod checkout;
mod lives;
mod money;
mod portal;
mod program;
mod receiver;
mod schema;
mod sdks;
mod state;
mod support;
mod webhooks;
