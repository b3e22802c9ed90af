//! Consent to tracking: a banner asks for it where it is needed, and the page changes the choice at any time.

pub mod actions;
mod banner;
mod model;
mod page;

pub use banner::ConsentBanner;
pub use model::{ChoiceForm, Privacy};
pub use page::PrivacyPage;
