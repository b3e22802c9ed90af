//! A button that closes, deletes or restores a poll. It is a form: without script it posts.

use forms::{Faults, Field, Problem};
use leptos::prelude::*;
use tracking::{Surface, UpgradeReason};
use uuid::Uuid;

use super::api;
use super::model::{ActionForm, Told};
use super::upgrade::UpgradePrompt;
use crate::forms::{FormFault, Typed, use_submit_and_stay};
use crate::tracking::track;
use crate::ui::{Done, use_toast};

/// The button, with what is wrong above it.
#[component]
pub fn ActionButton(
    /// The poll.
    poll: Uuid,
    /// `close`, `delete` or `restore`.
    action: &'static str,
    /// Where the form posts to without script; the page's own path.
    path: String,
    /// What stands on it.
    label: &'static str,
    /// Its looks.
    #[prop(default = "secondary")]
    class: &'static str,
    /// Where this stands.
    surface: Surface,
    /// After the server's yes.
    done: Callback<()>,
) -> impl IntoView {
    let toast = use_toast();
    let submit = use_submit_and_stay(
        Faults::default(),
        |typed: &Typed| ActionForm {
            poll: typed.text("poll"),
            action: typed.text("action"),
        },
        |_| Ok(()),
        api::act_on_poll,
        move |told: Told| {
            // The server has said yes: now it is an outcome, and not before.
            track(told.event, Some(&told.insert_id));
            match action {
                "close" => toast.say(Done::Closed),
                "restore" => toast.say(Done::Restored),
                // What the page says of a deleted poll has a button to bring it back.
                _ => {}
            }
            done.run(());
            std::future::ready(())
        },
    );
    view! {
        <form class="poll-action" method="post" action=path novalidate on:submit=move |event| submit.send(event)>
            <input type="hidden" name="poll" value=poll.to_string() />
            <input type="hidden" name="action" value=action />
            <Refusal faults=submit.faults surface />
            <button type="submit" class=class disabled=submit.pending>
                {label}
            </button>
        </form>
    }
}

/// Why something was refused; where the plan is the reason, also how to have more.
#[component]
pub fn Refusal(
    /// The form's faults.
    faults: RwSignal<Faults>,
    /// Where this stands.
    surface: Surface,
) -> impl IntoView {
    let full = Memo::new(move |_| {
        faults.with(|faults| matches!(faults.at(Field::Form), Some(Problem::OpenPollLimit { .. })))
    });
    view! {
        <FormFault faults />
        {move || full.get().then(|| view! { <UpgradePrompt reason=UpgradeReason::OpenPollLimit surface /> })}
    }
}
