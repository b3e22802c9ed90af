//! Forms of one button.

use leptos::prelude::*;
use uuid::Uuid;

use super::facts::Action;

/// Posts an action to the billing page. `form` names this rendering of the page: pressed twice, it asks once.
#[component]
pub fn ActionButton(
    action: Action,
    form: Uuid,
    /// What it says.
    label: &'static str,
    /// The button's class.
    #[prop(default = "secondary button")]
    class: &'static str,
) -> impl IntoView {
    view! {
        <form method="post" action="/billing" class="action">
            <input type="hidden" name="form" value=form.to_string() />
            <input type="hidden" name="action" value=action.as_str() />
            <button type="submit" class=class>
                {label}
            </button>
        </form>
    }
}

/// Has the page load itself again where no script can hear of a webhook.
#[component]
pub fn ReloadWithoutScript() -> impl IntoView {
    // As markup, because a browser with script takes what is inside for text, and hydration would find no element there.
    view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="2">"#></noscript> }
}
