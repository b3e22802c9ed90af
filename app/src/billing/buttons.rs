//! Forms that are a button alone.

use leptos::prelude::*;
use uuid::Uuid;

use super::model::BillingAction;
use crate::forms::Submit;

/// Posts an action to the billing page. `form` is the ID of this rendering of the page: a form that is sent twice is
/// carried out once.
#[component]
pub fn BillingActionButton(
    action: BillingAction,
    form: Uuid,
    /// What it says.
    label: &'static str,
    /// The button's class.
    #[prop(default = "secondary button")]
    class: &'static str,
) -> impl IntoView {
    view! {
        <form method="post" action="/billing" class="button-form">
            <input type="hidden" name="form" value=form.to_string() />
            <input type="hidden" name="action" value=action.as_str() />
            <Submit label pending="One moment…" class />
        </form>
    }
}
