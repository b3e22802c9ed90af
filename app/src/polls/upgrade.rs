//! The edge of a plan: what it is, and where more can be had. Showing it is an event, which only a browser can tell.

use leptos::prelude::*;
use tracking::{Surface, UpgradePromptShown, UpgradeReason};

use crate::tracking::track;

/// Says why something is refused, and leads to the prices. It tells that it was shown as soon as it is.
#[component]
pub fn UpgradePrompt(
    /// The edge.
    reason: UpgradeReason,
    /// Where this stands.
    surface: Surface,
) -> impl IntoView {
    // Effects run in the browser alone, once the prompt is there.
    Effect::new(move |_| track(UpgradePromptShown { reason, surface }, None));
    view! { <Prompt reason /> }
}

/// Something of Pro on a page for Free: folded, and told once it is looked at.
#[component]
pub fn ProFeature(
    /// What it is called.
    label: &'static str,
    /// The edge.
    reason: UpgradeReason,
    /// Where this stands.
    surface: Surface,
) -> impl IntoView {
    let told = StoredValue::new(false);
    let shown = move |_| {
        // The first toggle opens it.
        if !told.get_value() {
            told.set_value(true);
            track(UpgradePromptShown { reason, surface }, None);
        }
    };
    view! {
        <details class="pro-feature" on:toggle=shown>
            <summary>{label} " " <span class="badge pro-badge">"Pro"</span></summary>
            <Prompt reason />
        </details>
    }
}

#[component]
fn Prompt(reason: UpgradeReason) -> impl IntoView {
    let (title, text) = match reason {
        UpgradeReason::OpenPollLimit => (
            "You have three open polls",
            "That is all that Free has room for. Close or delete one of them, or have as many as you like with Pro. Your polls stay as they are.",
        ),
        UpgradeReason::ClosingTime => (
            "Let polls close by themselves",
            "With Pro a poll closes at the time that you set, whether or not you are there.",
        ),
        UpgradeReason::Export => (
            "Take your results along",
            "With Pro you download the results of any poll as a CSV file.",
        ),
    };
    view! {
        <aside class="upgrade">
            <div>
                <p class="title">{title}</p>
                <p>{text}</p>
            </div>
            // Another document: the page of prices is none of ours.
            <a class="button" href="/pricing" rel="external">"See Pro"</a>
        </aside>
    }
}
