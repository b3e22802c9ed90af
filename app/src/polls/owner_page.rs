//! The owner's page of a poll: live results, sharing, and actions.

use forms::FieldErrors;
use leptos::prelude::*;
use leptos_meta::Title;
use tracking::{AccountType, ExportFormat, ResultsExported, Surface, UpgradeReason};

use super::buttons::{PollActionButton, Refusal};
use super::islands::{LivePoll, LiveStatus, PollChangedNotice, Turnout};
use super::model::{PollStatus, PollView};
use super::queries::{self, OwnerView};
use super::results::Results;
use super::share::ShareLink;
use super::upgrade::ProFeature;
use crate::document::{document, form_errors, unreadable};
use crate::not_found::NotFoundPage;
use crate::redirect::{Redirect, with_next};
use crate::routes::path_param;
use crate::tracking::attribute::{On, track_on};

/// The page.
#[component]
pub fn OwnPollPage() -> impl IntoView {
    let errors = form_errors();
    let id = path_param("poll");
    document(|context| async move {
        match queries::own_poll(&context, &id).await {
            Ok(Some(own)) => view! { <OwnPollView errors own /> }.into_any(),
            Ok(None) if context.login.is_none() => {
                let path = with_next("/sign-in", Some(&format!("/polls/{id}")));
                view! { <Redirect path /> }.into_any()
            }
            Ok(None) => view! { <NotFoundPage /> }.into_any(),
            Err(error) => unreadable("This poll", &error),
        }
    })
}

#[component]
fn OwnPollView(errors: FieldErrors, own: OwnerView) -> impl IntoView {
    let OwnerView { poll, link, plan, .. } = own;
    let question = poll.question.clone();
    let (shown, managed) = (poll.clone(), poll.clone());
    view! {
        <Title text=format!("{question} · Seamline") />
        <section class="poll-page">
            <p class="poll-crumbs"><a href="/polls">"Your polls"</a></p>
            <LivePoll poll>
                <div class="poll-head">
                    <LiveStatus />
                    <h1 dir="auto">{question}</h1>
                </div>
                <PollChangedNotice />
                <Refusal errors surface=Surface::PollResults />
                <div class="poll-columns">
                    <section class="card poll-results" aria-labelledby="results">
                        <h2 id="results">"Results"</h2>
                        <Turnout />
                        <Results poll=shown />
                    </section>
                    <aside class="card poll-manage" aria-label="Manage this poll">
                        <ShareLink poll=managed.id question=managed.question.clone() link />
                        <div class="poll-actions" id="poll-actions" data-live>
                            <Actions poll=managed plan />
                        </div>
                    </aside>
                </div>
            </LivePoll>
        </section>
    }
}

/// The actions that the poll's status allows.
#[component]
fn Actions(poll: PollView, plan: AccountType) -> impl IntoView {
    let open = poll.status == PollStatus::Open;
    let edit = (open && poll.voters == 0).then(|| {
        view! {
            <a href=format!("/polls/{}/edit", poll.id) class="button secondary">
                "Edit this poll"
            </a>
        }
    });
    let close = open.then(|| {
        view! {
            <details class="fold poll-confirm" id="close-poll">
                <summary>"Close this poll"</summary>
                <p class="quiet">"Votes can no longer be cast or changed after that, and the poll stays closed."</p>
                <PollActionButton action="close" label="Close it now" pending="Closing…" class="danger" />
            </details>
        }
    });
    let remove = match poll.status {
        PollStatus::Deleted => {
            view! { <PollActionButton action="restore" label="Restore this poll" pending="Restoring…" class="" /> }
        }
        PollStatus::Open | PollStatus::ClosedByOwner | PollStatus::ClosedByTime => {
            view! { <PollActionButton action="delete" label="Delete this poll" pending="Deleting…" class="secondary" /> }
        }
    };
    view! {
        {edit}
        <Export poll plan />
        {close}
        {remove}
    }
}

/// The link to the results as a file; on Free, the upgrade prompt.
#[component]
fn Export(poll: PollView, plan: AccountType) -> impl IntoView {
    let exported = ResultsExported {
        poll_id: poll.id,
        format: ExportFormat::Csv,
        vote_count: poll.voters,
    };
    match plan {
        AccountType::Free => view! {
            <ProFeature
                label="Export results as CSV"
                reason=UpgradeReason::Export
                surface=Surface::PollResults
            />
        }
        .into_any(),
        AccountType::Pro => view! {
            <a
                class="button secondary"
                href=format!("/polls/{}/results.csv", poll.id)
                data-track=track_on(On::Click, exported)
            >
                "Export results as CSV"
            </a>
        }
        .into_any(),
    }
}
