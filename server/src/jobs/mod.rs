//! Background work: delivery, webhooks, mails, closing of polls, retention. No job answers a request. A supervisor keeps
//! every task running.

pub(crate) mod counts;
#[cfg(feature = "local")]
mod kill;
pub(crate) mod mail;
pub(crate) mod maintenance;
pub(crate) mod poll_closing;
mod rounds;
pub(crate) mod supervisor;
pub(crate) mod workers;
