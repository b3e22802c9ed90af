//! The page for what is not there.

use http::StatusCode;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::document;

/// The page for a path that no route has, and for what the visitor may not know of. It answers 404.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    document::set_status(StatusCode::NOT_FOUND);
    view! {
        <Title text="Page not found · Seamline" />
        <section class="narrow empty">
            <LooseThread />
            <h1>"There is no page here"</h1>
            <p>"This thread leads nowhere: the link may be old, or the address mistyped."</p>
            <p><a class="button" href="/">"Go to the start page"</a></p>
        </section>
    }
}

/// A thread that comes off the seam.
#[component]
pub(crate) fn LooseThread() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 96 32" width="192" height="64" aria-hidden="true">
            <path class="browser" d="M2 11c12 0 12 10 24 10s12-10 24-10c14 0 11 13 22 13 5 0 8-4 6-8s-8-2-6 3 10 6 16 2" />
            <path class="server" d="M2 21c12 0 12-10 24-10s12 10 24 10" />
        </svg>
    }
}
