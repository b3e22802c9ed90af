//! Billing rules as pure functions: no state, no clock, no I/O.

pub(crate) mod cards;
pub(crate) mod lifecycle;
pub(crate) mod period;
pub(crate) mod previous_attributes;
pub(crate) mod proration;
pub(crate) mod schedule;
