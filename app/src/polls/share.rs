//! Sharing a poll's link. The event is fired when the device reports that the link was copied or shared, and not before.

use leptos::prelude::*;
use tracking::{PollShared, ShareMethod};
use uuid::Uuid;

use crate::tracking::attribute::{On, track_on};

/// The link, with a button that copies it and, where the device has one, a button for its share sheet. Without script it can
/// be marked and copied.
#[component]
pub fn ShareLink(
    /// The poll.
    poll: Uuid,
    /// Its question, for the share sheet.
    question: String,
    /// Its link.
    link: String,
) -> impl IntoView {
    let shared = move |on, method| {
        track_on(
            on,
            PollShared {
                poll_id: poll,
                method,
            },
        )
    };
    view! {
        <div class="poll-share-link">
            <label for="link">"Link for voters"</label>
            <div class="poll-link">
                <input id="link" type="text" readonly value=link.clone() dir="ltr" />
                <button
                    type="button"
                    class="scripted"
                    data-copy=link.clone()
                    data-said="share-said"
                    data-track=shared(On::Copied, ShareMethod::Copy)
                >
                    "Copy link"
                </button>
            </div>
            <p class="poll-link-actions">
                <a href=link.clone()>"Open the voting page"</a>
                <button
                    type="button"
                    class="plain"
                    hidden
                    data-share=link
                    data-title=question
                    data-said="share-said"
                    data-track=shared(On::Shared, ShareMethod::ShareSheet)
                >
                    "Share…"
                </button>
                <span id="share-said" role="status" class="quiet"></span>
            </p>
        </div>
    }
}
