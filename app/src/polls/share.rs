//! Handing a poll's link on. It is told when the device says that it was done, and not before.

use leptos::prelude::*;
use leptos::task::spawn_local;
use tracking::{PollShared, ShareMethod};
use uuid::Uuid;

use super::device;
use crate::tracking::track;

/// The link, to be copied or given to the device's share sheet. Without script it is there to be marked and copied.
#[component]
pub fn ShareLink(
    /// The poll.
    poll: Uuid,
    /// Its question, for the share sheet.
    question: String,
    /// Its link.
    link: String,
) -> impl IntoView {
    let said = RwSignal::new("");
    let sheet = RwSignal::new(false);
    // Only the browser knows what its device has.
    Effect::new(move |_| sheet.set(device::can_share()));
    let shared = move |method| {
        track(
            PollShared {
                poll_id: poll,
                method,
            },
            None,
        );
        said.set(match method {
            ShareMethod::Copy => "Copied.",
            ShareMethod::ShareSheet => "Shared.",
        });
    };
    let copy = {
        let link = link.clone();
        move |_| {
            let link = link.clone();
            spawn_local(async move {
                match device::copy(link).await {
                    true => shared(ShareMethod::Copy),
                    false => said.set("Your browser does not let us copy. Please mark the link and copy it."),
                }
            });
        }
    };
    let hand_on = {
        let link = link.clone();
        move |_| {
            let (question, link) = (question.clone(), link.clone());
            spawn_local(async move {
                if device::share_link(question, link).await {
                    shared(ShareMethod::ShareSheet);
                }
            });
        }
    };
    view! {
        <div class="share-link">
            <label for="link">"Link for voters"</label>
            <div class="link-box">
                <input id="link" type="text" readonly value=link.clone() dir="ltr" />
                <button type="button" class="scripted" on:click=copy>
                    "Copy link"
                </button>
            </div>
            <p class="row">
                <a href=link>"Open the voting page"</a>
                <button type="button" class="plain" hidden=move || !sheet.get() on:click=hand_on>
                    "Share…"
                </button>
                <span role="status" class="quiet">{move || said.get()}</span>
            </p>
        </div>
    }
}
