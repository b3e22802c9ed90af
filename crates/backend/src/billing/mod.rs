//! The decisions of billing, as functions of values.
//!
//! Read in this order: what Stripe's payloads say, which plan a subscription gives, how the IDs of a click travel
//! through Stripe, and which events a webhook becomes. Nothing here talks to Stripe or to the database, or reads a clock.

pub mod handoff;
pub mod mapping;
pub mod payload;
pub mod plan;
