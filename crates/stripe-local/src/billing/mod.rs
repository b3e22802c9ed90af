//! Decisions about money and time, as functions of values: no state, no clock, no I/O.

pub(crate) mod cards;
pub(crate) mod difference;
pub(crate) mod lifecycle;
pub(crate) mod period;
pub(crate) mod proration;
pub(crate) mod schedule;
