//! The consent banner.

use leptos::prelude::*;

use crate::document::path;
use crate::page::use_page;

/// Asks for consent until the visitor has chosen. It covers no part of the page, which works either way.
#[component]
pub fn ConsentBanner() -> impl IntoView {
    let back = path();
    use_page().privacy.needs_choice().then(|| {
        view! {
            <section class="privacy-banner" aria-labelledby="consent">
                <div>
                    <h2 id="consent">"May we count your visit?"</h2>
                    <p>
                        "Page views and what you do here, under a random ID, to see what works. Everything works if you decline. "
                        <a href="/privacy">"What is recorded"</a>
                    </p>
                </div>
                <form method="post" action="/privacy" class="actions">
                    <input type="hidden" name="back" value=back />
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
