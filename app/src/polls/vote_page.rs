//! The voting page: users vote by a link, with or without an account. The figures change while the page is open.

use forms::{FieldErrors, VoteForm};
use leptos::prelude::*;
use leptos_meta::Title;

use super::islands::{LivePoll, LiveStatus, PollChangedNotice, Turnout};
use super::queries::{self, Ballot};
use super::results::Choices;
use super::vote::VoteButton;
use crate::document::{FormInput, document, form_input, unreadable};
use crate::forms::FormErrors;
use crate::not_found::NotFoundPage;
use crate::page::use_page;
use crate::routes::path_param;

/// The page.
#[component]
pub fn VotePage() -> impl IntoView {
    let form = form_input::<VoteForm>();
    let id = path_param("poll");
    document(|context| async move {
        match queries::ballot(&context, &id).await {
            Ok(Some(ballot)) => view! { <BallotView form ballot /> }.into_any(),
            Ok(None) => view! { <NotFoundPage /> }.into_any(),
            Err(error) => unreadable("This poll", &error),
        }
    })
}

#[component]
fn BallotView(form: FormInput<VoteForm>, ballot: Ballot) -> impl IntoView {
    let Ballot {
        poll,
        chosen,
        is_owner,
    } = ballot;
    let FormInput { input, errors } = form;
    let voted = chosen.is_some();
    // What was sent and refused stays marked.
    let marked = match errors.is_empty() {
        true => chosen.unwrap_or_default(),
        false => input
            .choice
            .iter()
            .filter_map(|choice| choice.parse().ok())
            .collect(),
    };
    let id = poll.id;
    let legend = if poll.multiple_choice {
        "Choose one or more"
    } else {
        "Choose one"
    };
    let (question, revision, shown) = (poll.question.clone(), poll.revision.to_string(), poll.clone());
    view! {
        <Title text=format!("{question} · Seamline") />
        <section class="poll-ballot">
            <LivePoll poll>
                <div class="poll-head">
                    <LiveStatus />
                    <h1 dir="auto">{question}</h1>
                </div>
                <PollChangedNotice />
                <form class="card" method="post" novalidate>
                    <input type="hidden" name=VoteForm::revision.name() value=revision />
                    <div class="poll-ballot-errors">
                        <FormErrors errors=errors.clone() />
                        <ChoiceError errors />
                    </div>
                    <fieldset aria-describedby="turnout">
                        <legend>{legend}</legend>
                        <Choices poll=shown marked />
                    </fieldset>
                    <div id="turnout">
                        <Turnout />
                    </div>
                    <VoteButton voted />
                </form>
            </LivePoll>
            {is_owner
                .then(|| {
                    view! {
                        <p class="aside">
                            "This is your poll. " <a href=format!("/polls/{id}")>"Share and manage it"</a>
                        </p>
                    }
                })}
            <Invitation />
        </section>
    }
}

/// The error of the choice.
#[component]
fn ChoiceError(errors: FieldErrors) -> impl IntoView {
    errors.at(VoteForm::choice).map(ToString::to_string).map(|text| {
        view! {
            <p class="error" role="alert" tabindex="-1" autofocus>
                {text}
            </p>
        }
    })
}

/// For voters without an account.
#[component]
fn Invitation() -> impl IntoView {
    use_page().me.is_none().then(|| {
        view! {
            <p class="aside">
                "Made with Seamline. " <a href="/sign-up">"Ask your own team something"</a>
                ": your votes come along."
            </p>
        }
    })
}
