//! The page of a new poll.

use forms::{Field, FieldError, PollForm};
use leptos::prelude::*;
use leptos_meta::Title;
use tracking::{AccountType, Surface, UpgradeReason};

use super::form::{ClosingTime, PollFields};
use super::queries::{self, NewPollContext};
use super::upgrade::UpgradePrompt;
use crate::document::{FormInput, document, form_id, form_input, unreadable};
use crate::forms::{Form, Submit};
use crate::redirect::Redirect;

/// The page.
#[component]
pub fn NewPollPage() -> impl IntoView {
    let form = form_input::<PollForm>();
    view! {
        <Title text="New poll · Seamline" />
        {document(|context| async move {
            match queries::new_poll(&context).await {
                // A form that was sent after signing out elsewhere is shown again with its input.
                Ok(None) if form.errors.is_empty() => {
                    view! { <Redirect path="/sign-in?next=/polls/new" /> }.into_any()
                }
                Ok(context) => view! { <NewPoll form context /> }.into_any(),
                Err(error) => unreadable("Your plan", &error),
            }
        })}
    }
}

#[component]
fn NewPoll(form: FormInput<PollForm>, context: Option<NewPollContext>) -> impl IntoView {
    let FormInput { input, errors } = form;
    let refused = matches!(errors.at(Field::FORM), Some(FieldError::OpenPollLimit { .. }));
    let full = context.as_ref().is_some_and(|context| !context.has_room);
    let plan = context.map_or(AccountType::Free, |context| context.plan);
    let id = form_id(&input.form).to_string();
    let closes_at = input.closes_at.clone();
    view! {
        <section class="narrow card">
            <h1>"New poll"</h1>
            {(full || refused)
                .then(|| view! { <UpgradePrompt reason=UpgradeReason::OpenPollLimit surface=Surface::PollForm /> })}
            <Form errors=errors.clone()>
                <input type="hidden" name=PollForm::form.name() value=id />
                <PollFields errors input />
                <ClosingTime value=closes_at plan />
                <Submit label="Create poll" pending="Creating…" />
            </Form>
        </section>
    }
}
