//! The question, where a yes is needed.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::page::use_page;

/// Asks, until there is an answer. It covers nothing: the page works either way.
#[component]
pub fn ConsentBanner() -> impl IntoView {
    let here = use_location().pathname;
    use_page().privacy.is_to_be_asked().then(|| {
        view! {
            <section class="consent" aria-labelledby="consent">
                <div>
                    <h2 id="consent">"May we count your visit?"</h2>
                    <p>
                        "Page views and what you do here, under a random ID, to see what works. No is a full answer. "
                        <a href="/privacy">"What exactly"</a>
                    </p>
                </div>
                <form method="post" action="/privacy" class="actions">
                    <input type="hidden" name="back" value=move || here.get() />
                    <button type="submit" name="choice" value="denied" class="secondary">
                        "No"
                    </button>
                    <button type="submit" name="choice" value="granted" class="secondary">
                        "Yes"
                    </button>
                </form>
            </section>
        }
    })
}
