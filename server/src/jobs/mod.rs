//! Background work: delivery, webhooks, mails, closing of polls, maintenance. No job answers a request.

pub(crate) mod mail;
pub(crate) mod maintenance;
pub(crate) mod poll_closing;
pub(crate) mod workers;
