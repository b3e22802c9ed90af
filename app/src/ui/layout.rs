//! Header and footer.

use leptos::prelude::*;

use crate::document::path;
use crate::page::use_page;

/// Brand, navigation, and who is signed in.
#[component]
pub fn Header() -> impl IntoView {
    let page = use_page();
    let signed_in = page.me.is_some();
    view! {
        <header class="site-header">
            <a class="site-brand" href="/">
                <Mark />
                "Seamline"
            </a>
            <nav aria-label="Main">
                {signed_in.then(|| view! { <NavLink href="/polls">"Polls"</NavLink> })}
                <NavLink href="/timeline">"Timeline"</NavLink>
                {if signed_in {
                    view! { <NavLink href="/billing">"Billing"</NavLink> }.into_any()
                } else {
                    view! { <NavLink href="/pricing">"Pricing"</NavLink> }.into_any()
                }}
                {signed_in.then(|| view! { <NavLink href="/settings">"Settings"</NavLink> })}
            </nav>
            {match &page.me {
                Some(me) => view! { <SignedIn email=me.email.clone() /> }.into_any(),
                None => view! { <SignedOut /> }.into_any(),
            }}
        </header>
    }
}

/// A link of a navigation. `aria-current` marks it on its page, and on the pages below unless `exact`.
#[component]
pub(crate) fn NavLink(
    /// The path.
    href: &'static str,
    #[prop(optional)] exact: bool,
    #[prop(optional)] class: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    let path = path();
    let is_current = path
        .strip_prefix(href)
        .is_some_and(|rest| rest.is_empty() || (rest.starts_with('/') && !exact));
    view! {
        <a href=href class=class aria-current=is_current.then_some("page")>
            {children()}
        </a>
    }
}

/// The logo: two threads.
#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg class="site-mark" viewBox="0 0 24 24" width="28" height="28" aria-hidden="true">
            <path class="browser" d="M2 8c5 0 5 8 10 8s5-8 10-8" />
            <path class="server" d="M2 16c5 0 5-8 10-8s5 8 10 8" />
        </svg>
    }
}

#[component]
fn SignedIn(email: String) -> impl IntoView {
    let title = email.clone();
    view! {
        <div class="site-account">
            <span class="site-email one-line" title=title>
                {email}
            </span>
            <form method="post" action="/sign-out">
                <button type="submit" class="plain">
                    "Sign out"
                </button>
            </form>
        </div>
    }
}

#[component]
fn SignedOut() -> impl IntoView {
    view! {
        <div class="site-account">
            <NavLink href="/sign-in">"Sign in"</NavLink>
            <NavLink href="/sign-up" class="button low">
                "Sign up"
            </NavLink>
        </div>
    }
}

/// A line about Seamline, links, and in local mode the addresses of events and mails.
#[component]
pub fn Footer() -> impl IntoView {
    let page = use_page();
    let collector = page.collector_page.clone();
    let counted = if page.privacy.tracked {
        "Your visit is counted. "
    } else {
        "Your visit is not counted. "
    };
    view! {
        <footer class="site-footer">
            <p>
                "Seamline shows hybrid tracking: browser events and server events, in one timeline per person."
            </p>
            <p>
                {counted} <a href="/privacy">"Privacy"</a>
                {page.walk.then(|| view! { " · " <a href="/walk">"Guided walk"</a> })}
                {page.operator.then(|| view! { " · " <a href="/operations">"Operations"</a> })}
                {page.lab.then(|| view! { " · " <a href="/lab">"Disturbance lab"</a> })}
            </p>
            {collector
                .map(|page| {
                    view! {
                        <p>
                            "Local mode: events go to "
                            <a href=page rel="external">
                                "the stand-in for Amplitude"
                            </a>
                            " on this machine."
                        </p>
                    }
                })}
            {page
                .mailbox
                .then(|| {
                    view! {
                        <p>"Mails go to " <a href="/mailbox">"the local mailbox"</a> "."</p>
                    }
                })}
        </footer>
    }
}
