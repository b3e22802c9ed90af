//! What was just done, said on the page that one is led to.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// The sentence for the page's `?done=`, if it has one that we know.
#[component]
pub fn Notice() -> impl IntoView {
    let sentence = use_query_map().with_untracked(|query| query.get("done").and_then(|done| sentence(&done)));
    sentence.map(|text| view! { <p class="banner done" role="status">{text}</p> })
}

fn sentence(done: &str) -> Option<&'static str> {
    Some(match done {
        "verified" => "Your address is confirmed.",
        "reset" => "Your new password is set. Every browser was signed out; sign in with it now.",
        "password" => "Your password is changed. Every other browser was signed out.",
        "email" => "We have sent a link to your new address. Once you use it, the address is yours here.",
        "mail" => "A new link is on its way to your address.",
        "ended" => "Signed out there.",
        _ => return None,
    })
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
