//! The page: a list of mails, and the mail that was chosen.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::model::MailView;
use super::queries;
use crate::document::{document, unreadable};
use crate::not_found::NotFoundPage;
use crate::page::use_page;

/// The mailbox, where mails are kept.
#[component]
pub fn MailboxPage() -> impl IntoView {
    if use_page().mailbox {
        view! { <Mailbox /> }.into_any()
    } else {
        view! { <NotFoundPage /> }.into_any()
    }
}

#[component]
fn Mailbox() -> impl IntoView {
    let chosen = use_query_map().with_untracked(|query| query.get("mail"));
    view! {
        <Title text="Local mailbox · Seamline" />
        <section class="page">
            <div class="page-head">
                <div>
                    <h1>"Local mailbox"</h1>
                    <p class="quiet">
                        "Every mail that Seamline writes on this machine. With SMTP_URL set, mails are sent instead."
                    </p>
                </div>
                <a class="button secondary" href="/mailbox">
                    "Check for mail"
                </a>
            </div>
            {document(|visit| async move {
                match queries::mails(&visit).await {
                    Ok(mails) => view! { <Panes mails=mails.unwrap_or_default() chosen /> }.into_any(),
                    Err(error) => unreadable("The mailbox", &*error),
                }
            })}
        </section>
    }
}

/// The mail that `?mail=` names, else the newest, beside the list of all.
#[component]
fn Panes(mails: Vec<MailView>, chosen: Option<String>) -> impl IntoView {
    let shown = mails
        .iter()
        .find(|mail| Some(mail.id.to_string()) == chosen)
        .or_else(|| mails.first())
        .cloned();
    let Some(shown) = shown else {
        return view! { <NoMails /> }.into_any();
    };
    let shown_id = shown.id;
    let row = |mail: MailView| {
        view! {
            <li>
                <a
                    href=format!("/mailbox?mail={}", mail.id)
                    class="mail"
                    aria-current=(mail.id == shown_id).then_some("true")
                >
                    <span class="subject">{mail.subject}</span>
                    <span class="at">{mail.when}</span>
                    <span class="recipient" dir="auto">{mail.recipient}</span>
                </a>
            </li>
        }
    };
    view! {
        <div class="mailbox card">
            <nav aria-label="Mails">
                <ol>{mails.into_iter().map(row).collect_view()}</ol>
            </nav>
            <Reading mail=shown />
        </div>
    }
    .into_any()
}

#[component]
fn NoMails() -> impl IntoView {
    view! {
        <div class="empty card">
            <h2>"No mails yet"</h2>
            <p>"Sign up to get the first one: it asks you to confirm your address."</p>
            <a class="button" href="/sign-up">"Sign up"</a>
        </div>
    }
}

#[component]
fn Reading(mail: MailView) -> impl IntoView {
    let paragraph = |line: String| view! { <p dir="auto">{line}</p> };
    let button = mail.action.map(|(label, url)| {
        view! {
            <p>
                <a class="button" href=url>
                    {label}
                </a>
            </p>
        }
    });
    view! {
        <article class="reading" aria-label=mail.subject>
            <header>
                <h2>{mail.subject.clone()}</h2>
                <p class="quiet">
                    <span>"From Seamline"</span>
                    <span>"to " <span class="recipient" dir="auto">{mail.recipient}</span></span>
                    <span>{mail.when}</span>
                </p>
            </header>
            <div class="letter">
                {mail.before.into_iter().map(paragraph).collect_view()}
                {button}
                <div class="after">{mail.after.into_iter().map(paragraph).collect_view()}</div>
            </div>
        </article>
    }
}
