//! The facts about the visitor that every page has.

use std::sync::Arc;

use leptos::prelude::*;
use tracking::Choice;

use crate::operations::may_operate;
use crate::privacy::Privacy;
use crate::request::{self, RequestContext};

/// Facts of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The user who is signed in.
    pub me: Option<Me>,
    /// This browser's device ID, unless consent is denied.
    pub device: Option<String>,
    /// The page of the stand-in for Amplitude, in local mode.
    pub collector_page: Option<String>,
    /// Whether the visitor may open the operator's pages.
    pub operator: bool,
    /// Consent, and whether the visitor is tracked.
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
    provide_context(Arc::new(request::with_current(page_of).unwrap_or_default()));
}

fn page_of(context: &RequestContext) -> Page {
    Page {
        me: context.login.as_ref().map(|login| Me {
            id: login.user.id.to_string(),
            email: login.user.email.clone(),
        }),
        device: context.boot.device.clone(),
        collector_page: context.backend.collector_page.clone(),
        operator: may_operate(context),
        privacy: privacy_of(context),
        mailbox: context.backend.mailbox.is_some(),
        lab: context.lab.is_some(),
        walk: context.backend.local_mode,
    }
}

fn privacy_of(context: &RequestContext) -> Privacy {
    let login = context.login.as_ref();
    let account = login.map_or(Choice::Unset, |login| login.user.consent);
    Privacy {
        choice: match (context.visitor.choice, account) {
            // Of two choices the denial counts.
            (Choice::Denied, _) | (_, Choice::Denied) => Choice::Denied,
            (Choice::Unset, account) => account,
            (Choice::Granted, _) => Choice::Granted,
        },
        tracked: context.visitor.tracking.is_some(),
        signal: context.visitor.privacy_control,
    }
}

/// The document's facts.
pub fn use_page() -> Arc<Page> {
    use_context().unwrap_or_default()
}
