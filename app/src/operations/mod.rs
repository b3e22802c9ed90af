//! The operator's pages: delivery of events and webhooks, revenue, campaigns, and sessions.
//!
//! For all other visitors these pages answer 404, and so does their form. Forms post to `/operations`. Payloads of webhooks
//! contain email addresses. They are shown on these pages only.

mod access;
pub mod actions;
mod campaigns;
mod customer_emails;
mod deletions;
mod labels;
mod loss;
mod model;
mod not_ours;
mod outbox;
mod page;
mod parts;
mod queries;
mod revenue;
mod sessions;
mod tasks;
mod webhooks;

pub use access::may_operate;
pub use campaigns::CampaignsPage;
pub use model::OperationsForm;
pub use page::OperationsPage;
pub use revenue::RevenuePage;
pub use sessions::SessionsPage;
