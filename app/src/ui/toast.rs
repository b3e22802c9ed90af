//! The message after a form post, for results that the next page does not show. The post redirects to a page with `?done=`. The
//! message stays until it is dismissed or the page is left.

use leptos::prelude::*;

use crate::document::query_value;

/// The values of `?done=`, with their sentences.
const DONE: [(&str, &str); 10] = [
    ("verified", "Your address is confirmed."),
    (
        "reset",
        "Your new password is set. Every browser was signed out; sign in with it now.",
    ),
    (
        "password",
        "Your password is changed. Every other browser was signed out.",
    ),
    (
        "email",
        "We have sent a link to your new address. Once you use it, the address is yours here.",
    ),
    ("mail", "A new link is on its way to your address."),
    ("ended", "Signed out there."),
    ("created", "Your poll is open. Share its link to collect votes."),
    ("edited", "Your changes are saved."),
    ("closed", "The poll is closed. Its results stay."),
    ("restored", "The poll is back."),
];

/// The sentence for a value of `?done=`; `None` for an unknown value.
fn sentence(done: &str) -> Option<&'static str> {
    DONE.iter()
        .find(|(name, _)| *name == done)
        .map(|(_, sentence)| *sentence)
}

/// The place of the message. `seam.js` inserts the text again after the load, so that screen readers announce it.
#[component]
pub(crate) fn ToastArea() -> impl IntoView {
    let done = query_value("done");
    view! {
        <div class="toast-area" role="status">
            {done
                .as_deref()
                .and_then(sentence)
                .map(|sentence| {
                    view! {
                        <div class="toast">
                            <p>{sentence}</p>
                            <button type="button" class="plain scripted" aria-label="Dismiss" data-dismiss=".toast">
                                "✕"
                            </button>
                        </div>
                    }
                })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_sentences() {
        assert!(sentence("reset").is_some());
        assert_eq!(sentence("<script>"), None);
    }
}
