//! The limit of a plan: what it is, and where more can be had. That it was shown is a browser event.

use leptos::prelude::*;
use tracking::{Surface, UpgradePromptShown, UpgradeReason};

use crate::tracking::attribute::{On, track_on};

/// Says why something is refused, and leads to the prices.
#[component]
pub fn UpgradePrompt(
    /// The limit.
    reason: UpgradeReason,
    /// Where this is.
    surface: Surface,
) -> impl IntoView {
    view! {
        <div data-track=track_on(On::Shown, UpgradePromptShown { reason, surface })>
            <Prompt reason />
        </div>
    }
}

/// A feature of Pro on a page for Free: folded, and shown once it is opened.
#[component]
pub fn ProFeature(
    /// What it is called.
    label: &'static str,
    /// The limit.
    reason: UpgradeReason,
    /// Where this is.
    surface: Surface,
) -> impl IntoView {
    view! {
        <details class="pro-feature" data-track=track_on(On::Toggle, UpgradePromptShown { reason, surface })>
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
            "Close polls on time",
            "With Pro a poll closes at the time that you set, whether or not you are there.",
        ),
        UpgradeReason::Export => (
            "Download your results",
            "With Pro you download the results of any poll as a CSV file.",
        ),
    };
    view! {
        <aside class="upgrade">
            <div>
                <p class="title">{title}</p>
                <p>{text}</p>
            </div>
            <a class="button" href="/pricing">"See Pro"</a>
        </aside>
    }
}
