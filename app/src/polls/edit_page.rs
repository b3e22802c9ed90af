//! The page that edits a poll without votes.

use forms::{PollForm, moment_text};
use leptos::prelude::*;
use leptos_meta::Title;
use tracking::AccountType;

use super::form::{ClosingTime, PollFields};
use super::model::PollStatus;
use super::queries::{self, OwnerView};
use crate::document::{FormInput, document, form_input, unreadable};
use crate::forms::{Form, Submit};
use crate::not_found::NotFoundPage;
use crate::redirect::Redirect;
use crate::routes::path_param;

/// The page.
#[component]
pub fn EditPollPage() -> impl IntoView {
    let form = form_input::<PollForm>();
    let id = path_param("poll");
    document(|context| async move {
        match queries::own_poll(&context, &id).await {
            // Input is shown again, also to a visitor who is signed out by now.
            Ok(None) if context.login.is_none() && form.errors.is_empty() => {
                view! { <Redirect path="/sign-in?next=/polls" /> }.into_any()
            }
            Ok(None) if context.login.is_some() => view! { <NotFoundPage /> }.into_any(),
            Ok(own) => view! { <Editor id form own /> }.into_any(),
            Err(error) => unreadable("This poll", &error),
        }
    })
}

#[component]
fn Editor(id: String, form: FormInput<PollForm>, own: Option<OwnerView>) -> impl IntoView {
    let FormInput { input, errors } = form;
    let plan = own.as_ref().map_or(AccountType::Free, |own| own.plan);
    let fixed = own
        .as_ref()
        .is_some_and(|own| own.poll.voters > 0 || own.poll.status != PollStatus::Open);
    let input = match own {
        Some(own) if errors.is_empty() => as_form(own),
        _ => input,
    };
    let closes_at = input.closes_at.clone();
    view! {
        <Title text="Edit poll · Seamline" />
        <section class="narrow card">
            <h1>"Edit poll"</h1>
            {fixed
                .then(|| view! { <p class="banner">"The poll has votes or is closed: it can no longer be changed."</p> })}
            <Form errors=errors.clone()>
                <PollFields errors input />
                <ClosingTime value=closes_at plan />
                <div class="actions">
                    <Submit label="Save changes" pending="Saving…" />
                    <a class="button secondary" href=format!("/polls/{id}")>"Cancel"</a>
                </div>
            </Form>
        </section>
    }
}

fn as_form(own: OwnerView) -> PollForm {
    PollForm {
        question: own.poll.question,
        option: own.poll.options.into_iter().map(|option| option.label).collect(),
        multiple_choice: own.poll.multiple_choice,
        closes_at: own.closes_at.map(moment_text).unwrap_or_default(),
        ..PollForm::default()
    }
}
