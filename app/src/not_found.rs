//! The page of the answer 404.

use http::StatusCode;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::document;

/// The page for an unknown path, and for a page that the visitor may not see. It answers 404.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    document::set_status(StatusCode::NOT_FOUND);
    view! {
        <Title text="Page not found · Seamline" />
        <section class="narrow empty">
            <LooseThread />
            <h1>"Page not found"</h1>
            <p>"The link may be outdated, or the address mistyped."</p>
            <p><a class="button" href="/">"Go to the start page"</a></p>
        </section>
    }
}

/// The illustration of pages without content: a loose thread.
#[component]
pub(crate) fn LooseThread() -> impl IntoView {
    view! {
        <svg class="site-mark" viewBox="0 0 96 32" width="192" height="64" aria-hidden="true">
            <path class="browser" d="M2 11c12 0 12 10 24 10s12-10 24-10c14 0 11 13 22 13 5 0 8-4 6-8s-8-2-6 3 10 6 16 2" />
            <path class="server" d="M2 21c12 0 12-10 24-10s12 10 24 10" />
        </svg>
    }
}
