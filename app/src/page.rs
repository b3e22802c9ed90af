//! What every page knows of its visitor. It is fixed for a document: sign-in and sign-out load a new one.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::document;
use crate::privacy::Privacy;

/// Facts of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// User ID.
    pub id: String,
    /// As typed at sign-up.
    pub email: String,
}

/// Puts the document's facts into context: from the request on the server, from the document in the browser.
pub fn provide_page() {
    provide_context(SharedValue::new(document::page).into_inner());
}

/// The document's facts.
pub fn use_page() -> Page {
    use_context().unwrap_or_default()
}
