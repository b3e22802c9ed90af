//! Upgrade prompts: the limit of the plan, and a link to the prices. Showing one is a browser event.

use leptos::prelude::*;
use tracking::{Surface, UpgradePromptShown, UpgradeReason};

use crate::tracking::attribute::{On, track_on};

/// The reason of a refusal, with a link to the prices.
#[component]
pub fn UpgradePrompt(
    /// The limit.
    reason: UpgradeReason,
    /// The page.
    surface: Surface,
) -> impl IntoView {
    view! {
        <div data-track=track_on(On::Shown, UpgradePromptShown { reason, surface })>
            <Prompt reason />
        </div>
    }
}

/// A feature of Pro for users of Free: the prompt is folded, and counts as shown when it is opened.
#[component]
pub fn ProFeature(
    /// Its name.
    label: &'static str,
    /// The limit.
    reason: UpgradeReason,
    /// The page.
    surface: Surface,
) -> impl IntoView {
    view! {
        <details class="fold" data-track=track_on(On::Toggle, UpgradePromptShown { reason, surface })>
            <summary>{label} " " <span class="badge poll-pro">"Pro"</span></summary>
            <Prompt reason />
        </details>
    }
}

#[component]
fn Prompt(reason: UpgradeReason) -> impl IntoView {
    let (title, text) = match reason {
        UpgradeReason::OpenPollLimit => (
            "You have three open polls",
            "Free allows three. Close or delete one of them, or get Pro, which has no limit. Your polls stay as they are.",
        ),
        UpgradeReason::ClosingTime => (
            "Close polls on time",
            "With Pro, a poll closes at the time that you set.",
        ),
        UpgradeReason::Export => (
            "Download your results",
            "With Pro, you can download the results of each poll as a CSV file.",
        ),
    };
    view! {
        <aside class="poll-upgrade">
            <div>
                <p class="poll-upgrade-title">{title}</p>
                <p>{text}</p>
            </div>
            <a class="button" href="/pricing">"See Pro"</a>
        </aside>
    }
}
