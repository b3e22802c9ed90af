//! What the page of a link shows when the link does not work (any more).

use leptos::prelude::*;

use crate::document::are_cookies_off;

/// The key in the page's query if the browser had no cookie when it opened the link.
pub const LINK_OPENED: &str = "opened";

/// Says so, and where to get another link.
#[component]
pub fn LinkExpired(
    /// Where a new link can be asked for.
    again: &'static str,
    /// What the button says.
    ask: &'static str,
) -> impl IntoView {
    let (title, reason) = match are_cookies_off(LINK_OPENED) {
        true => (
            "Cookies are off",
            "Your browser has not kept the cookie that this link needs. Please allow cookies for this site and open the link again.",
        ),
        false => (
            "This link has expired",
            "It was used, or it is too old. It may also have been opened in another browser: a link works where it was opened.",
        ),
    };
    view! {
        <section class="narrow card">
            <h1>{title}</h1>
            <p class="lead">{reason}</p>
            <p>
                <a class="button" href=again>
                    {ask}
                </a>
            </p>
        </section>
    }
}
