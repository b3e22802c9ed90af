//! Components that the operator's pages share.

use backend::billing::inbox::InboxState;
use backend::dates;
use leptos::prelude::*;
use leptos_meta::Title;

use super::labels::{duration, pretty};
use super::model::ReplayTarget;
use crate::not_found::NotFoundPage;
use crate::page::use_page;
use crate::ui::NavLink;

/// A page for operators: the common head, and below it the page's own content. For all other visitors it is the page "not
/// found", and the content is not rendered.
#[component]
pub(super) fn OperatorPage(
    /// Title of the document.
    title: &'static str,
    children: Children,
) -> impl IntoView {
    if !use_page().operator {
        return view! { <NotFoundPage /> }.into_any();
    }
    view! {
        <Title text=format!("{title} · Seamline") />
        <section class="operations">
            <div class="page-head">
                <h1>"Operations"</h1>
                <nav class="tabs" aria-label="Operations">
                    <NavLink href="/operations" exact=true>
                        "Delivery"
                    </NavLink>
                    <NavLink href="/operations/revenue">"Revenue"</NavLink>
                    <NavLink href="/operations/campaigns">"Campaigns"</NavLink>
                    <NavLink href="/operations/sessions">"Sessions"</NavLink>
                </nav>
            </div>
            {children()}
        </section>
    }
    .into_any()
}

/// A card whose content cannot be read, with the reason.
#[component]
pub(super) fn UnreadableCard(
    /// ID of the heading.
    id: &'static str,
    /// The heading.
    title: &'static str,
    /// The reason, as a sentence.
    reason: String,
) -> impl IntoView {
    view! {
        <section class="card operations-card" aria-labelledby=id>
            <header>
                <h2 id=id>{title}</h2>
            </header>
            <p class="error">{reason}</p>
        </section>
    }
}

/// A time: relative as text, exact as a tooltip. Both arguments are in ms since the epoch.
#[component]
pub(super) fn Time(ms: i64, now_ms: i64) -> impl IntoView {
    let at = dates::instant(ms);
    view! {
        <time datetime=at.clone() title=at>
            {format!("{} ago", duration(now_ms - ms))}
        </time>
    }
}

/// A figure with its name.
#[component]
pub(super) fn Figure(
    /// What is counted.
    label: &'static str,
    /// The number.
    #[prop(into)]
    value: String,
    /// Shown below the number.
    #[prop(optional_no_strip)]
    note: Option<String>,
    /// The number needs the operator's attention.
    #[prop(optional)]
    alarming: bool,
) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd>
                <span class="operations-value" class:alarming=alarming>{value}</span>
                {note.map(|note| view! { <span class="quiet">{note}</span> })}
            </dd>
        </div>
    }
}

/// The button that replays one row.
#[component]
pub(super) fn ReplayForm(
    /// What it does.
    action: ReplayTarget,
    /// ID of the row.
    id: String,
    /// The current filter of webhooks, which the next page keeps.
    #[prop(optional_no_strip)]
    filter: Option<InboxState>,
) -> impl IntoView {
    let label = action.label();
    let spoken = format!("{label} {id}");
    view! {
        <form method="post" action="/operations" class="button-form">
            <input type="hidden" name="action" value=action.as_str() />
            <input type="hidden" name="id" value=id />
            {filter.map(|state| view! { <input type="hidden" name="webhooks" value=state.as_str() /> })}
            <button type="submit" class="secondary small" aria-label=spoken>
                {label}
            </button>
        </form>
    }
}

/// A user ID, as a link to the user's timeline.
#[component]
pub(super) fn UserLink(user: String) -> impl IntoView {
    let href = format!("/timeline?find={user}");
    view! {
        <a class="id" href=href>
            {user}
        </a>
    }
}

/// A payload that can be unfolded; `None`: it was deleted.
#[component]
pub(super) fn Payload(text: Option<String>) -> impl IntoView {
    match text {
        Some(text) => view! {
            <details class="raw">
                <summary>"Payload"</summary>
                <pre tabindex="0" dir="auto">{pretty(&text)}</pre>
            </details>
        }
        .into_any(),
        None => view! { <p class="quiet">"The payload was deleted. Payloads are kept for a few weeks."</p> }
            .into_any(),
    }
}
