//! Nothing here.

use leptos::prelude::*;
use leptos_meta::Title;

/// The page for a path that no route has. The server answers it with 404.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <Title text="Page not found · Seamline" />
        <section class="narrow empty">
            <h1>"There is no page here"</h1>
            <p>"The link may be old, or the address mistyped."</p>
            <p><a class="button" href="/">"Go to the start page"</a></p>
        </section>
    }
}
