//! What every page knows of its visitor.

use leptos::prelude::*;

use crate::privacy::Privacy;
use crate::visit;

/// Facts of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Who is signed in.
    pub me: Option<Me>,
    /// This browser's device ID, unless consent is denied.
    pub device: Option<String>,
    /// The page of the stand-in for Amplitude, in local mode.
    pub collector_page: Option<String>,
    /// Whether the operator's pages are there for them.
    pub operator: bool,
    /// How they stand to tracking.
    pub privacy: Privacy,
    /// Mails are kept in the mailbox of local mode.
    pub mailbox: bool,
    /// There is a disturbance lab.
    pub lab: bool,
    /// There is a guided walk.
    pub walk: bool,
}

/// The person signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// User ID.
    pub id: String,
    /// As typed at sign-up.
    pub email: String,
}

/// Puts the document's facts into context.
pub fn provide_page() {
    provide_context(visit::current().map(|visit| visit.page()).unwrap_or_default());
}

/// The document's facts.
pub fn use_page() -> Page {
    use_context().unwrap_or_default()
}
