//! Parts that refresh a page that waits for a webhook.

use leptos::prelude::*;

use crate::live::Live;

/// Refreshes the page's live part with each webhook that is applied after `revision`.
#[component]
pub fn FollowWebhooks(revision: i64) -> impl IntoView {
    view! { <Live feed=format!("/billing/live?after={revision}") /> }
}

/// Has a browser without script load the page again after 2 seconds. It belongs outside of the live part: put into a
/// document by script, the element would work there too.
#[component]
pub fn ReloadWithoutScript(
    /// What is loaded. It says `refresh` in its query, so that it counts as no activity of the user.
    url: String,
) -> impl IntoView {
    view! {
        <noscript>
            <meta http-equiv="refresh" content=format!("2;url={url}") />
        </noscript>
    }
}
