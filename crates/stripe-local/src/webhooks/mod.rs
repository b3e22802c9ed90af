//! Webhooks on their way: signed, posted, tried again.

mod deliver;
mod sign;

pub(crate) use deliver::{client, deliver_until_ended};
pub(crate) use sign::signature;
