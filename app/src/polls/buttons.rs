//! The button that closes, deletes or restores a poll, and the answer to a refused action.

use forms::{Field, FieldError, FieldErrors};
use leptos::prelude::*;
use tracking::{Surface, UpgradeReason};
use uuid::Uuid;

use super::upgrade::UpgradePrompt;
use crate::forms::{FormErrors, Submit};

/// The button, as a form that posts to the page it is on.
#[component]
pub fn PollActionButton(
    /// The poll. Its own page has the ID in its path; on the list the form carries it.
    #[prop(optional)]
    in_list: Option<Uuid>,
    /// `close`, `delete` or `restore`.
    action: &'static str,
    /// Its label.
    label: &'static str,
    /// Its label while the form is being sent.
    pending: &'static str,
    /// Its class.
    #[prop(default = "secondary")]
    class: &'static str,
) -> impl IntoView {
    view! {
        <form class="poll-action" method="post" action=in_list.map(|_| "/polls")>
            {in_list.map(|poll| view! { <input type="hidden" name="poll" value=poll.to_string() /> })}
            <input type="hidden" name="action" value=action />
            <Submit label pending class />
        </form>
    }
}

/// The error of a refused action; for a limit of the plan, also the upgrade prompt.
#[component]
pub fn Refusal(
    /// The form's errors.
    errors: FieldErrors,
    /// The page.
    surface: Surface,
) -> impl IntoView {
    let full = matches!(errors.at(Field::FORM), Some(FieldError::OpenPollLimit { .. }));
    view! {
        <FormErrors errors />
        {full.then(|| view! { <UpgradePrompt reason=UpgradeReason::OpenPollLimit surface /> })}
    }
}
