//! What the page of a link shows when the link does not work (any more).

use leptos::prelude::*;

/// Says so, and where to get another link.
#[component]
pub fn LinkExpired(
    /// Where a new link can be asked for.
    again: &'static str,
    /// What the button says.
    ask: &'static str,
) -> impl IntoView {
    view! {
        <section class="narrow card">
            <h1>"This link has expired"</h1>
            <p class="lead">
                "It was used, or it is too old. It may also have been opened in another browser: a link works where it was opened."
            </p>
            <p>
                <a class="button" href=again>
                    {ask}
                </a>
            </p>
        </section>
    }
}
