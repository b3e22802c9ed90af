//! What a link shows that does not work (any more).

use leptos::prelude::*;

/// Says so, and where to get another one.
#[component]
pub fn SpentLink(
    /// Where one asks for a new one.
    again: &'static str,
    /// What the button says.
    ask: &'static str,
) -> impl IntoView {
    view! {
        <section class="narrow card">
            <h1>"This link does not work any more"</h1>
            <p class="lead">
                "It has been used, or its time is over. It may also have been opened in another browser: a link works where it was opened."
            </p>
            <p>
                <a class="button" href=again>
                    {ask}
                </a>
            </p>
        </section>
    }
}

/// For when we cannot tell.
#[component]
pub fn UnreadableLink() -> impl IntoView {
    view! {
        <p class="fault banner narrow" role="alert">
            "Your link cannot be looked up right now. Please load the page again."
        </p>
    }
}
