//! Webhooks: signing, delivery and retries. `engine` creates the deliveries.

mod deliver;
mod signature;

pub(crate) use deliver::deliver_until_stopped;
pub(crate) use signature::signature;
