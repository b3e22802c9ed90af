//! What the operator's pages are made of.

use leptos::prelude::*;
use leptos_router::components::A;

use super::facts::{Action, Moment, WebhookState};
use crate::document;
use crate::not_found::NotFoundPage;
use crate::page::use_page;

/// A page of the operator's: the head that all have, and below it what this one is about. For anybody else nothing is here.
#[component]
pub(super) fn Operators(children: Children) -> impl IntoView {
    if !use_page().operator {
        document::answer_not_found();
        return view! { <NotFoundPage /> }.into_any();
    }
    view! {
        <section class="page operations">
            <div class="page-head">
                <h1>"Operations"</h1>
                <nav class="tabs" aria-label="Operations">
                    <A href="/operations" exact=true>
                        "Delivery"
                    </A>
                    <A href="/operations/revenue">"Revenue"</A>
                    <A href="/operations/sessions">"Sessions"</A>
                </nav>
            </div>
            {children()}
        </section>
    }
    .into_any()
}

/// A card in place of one that cannot be filled, and why.
#[component]
pub(super) fn Unreadable(
    /// Of the heading.
    id: &'static str,
    /// The heading.
    title: &'static str,
    /// In a sentence.
    why: String,
) -> impl IntoView {
    view! {
        <section class="card operations-card" aria-labelledby=id>
            <header>
                <h2 id=id>{title}</h2>
            </header>
            <p class="fault">{why}</p>
        </section>
    }
}

/// A moment: how long ago, and for those who point at it, exactly.
#[component]
pub(super) fn Time(moment: Moment) -> impl IntoView {
    view! {
        <time datetime=moment.at.clone() title=moment.at>
            {moment.ago}
        </time>
    }
}

/// A figure with its name.
#[component]
pub(super) fn Figure(
    /// What is counted.
    label: &'static str,
    /// How much.
    #[prop(into)]
    value: String,
    /// What goes with it.
    #[prop(optional_no_strip)]
    note: Option<String>,
    /// Somebody should look.
    #[prop(optional)]
    alarming: bool,
) -> impl IntoView {
    view! {
        <div class="gauge" class:alarming=alarming>
            <dt>{label}</dt>
            <dd>
                <span class="value">{value}</span>
                {note.map(|note| view! { <span class="quiet">{note}</span> })}
            </dd>
        </div>
    }
}

/// Asks for something of one row.
#[component]
pub(super) fn Ask(
    action: Action,
    /// Of which row.
    id: String,
    /// What it says.
    label: &'static str,
    /// Which webhooks are shown: they will be again.
    #[prop(optional_no_strip)]
    shown: Option<WebhookState>,
) -> impl IntoView {
    let spoken = format!("{label} {id}");
    view! {
        <form method="post" action="/operations" class="action">
            <input type="hidden" name="action" value=action.as_str() />
            <input type="hidden" name="id" value=id />
            {shown.map(|state| view! { <input type="hidden" name="webhooks" value=state.as_str() /> })}
            <button type="submit" class="secondary small" aria-label=spoken>
                {label}
            </button>
        </form>
    }
}

/// A person, by whom their story is found.
#[component]
pub(super) fn PersonLink(user: String) -> impl IntoView {
    let href = format!("/timeline?find={user}");
    view! {
        <a class="id" href=href>
            {user}
        </a>
    }
}

/// A payload, folded.
#[component]
pub(super) fn Payload(text: Option<String>) -> impl IntoView {
    match text {
        Some(text) => view! {
            <details class="raw">
                <summary>"Payload"</summary>
                <pre tabindex="0" dir="auto">{text}</pre>
            </details>
        }
        .into_any(),
        None => {
            view! { <p class="quiet">"The payload is gone: it is kept for some weeks only."</p> }.into_any()
        }
    }
}
