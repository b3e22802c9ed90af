//! The page: a list of mails, and the mail that was chosen.

use backend::mail::StoredMail;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::document::{document, query_value, unreadable};
use crate::not_found::NotFoundPage;
use crate::page::use_page;
use crate::relative_time::ago;

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
    let chosen = query_value("mail");
    view! {
        <Title text="Local mailbox · Seamline" />
        <section>
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
            {document(|context| async move {
                let mails = match &context.backend.mailbox {
                    Some(mailbox) => mailbox.mails(None).await,
                    None => Ok(Vec::new()),
                };
                match mails {
                    Ok(mails) => view! { <Panes mails chosen now_ms=context.backend.clock.now_ms() /> }.into_any(),
                    Err(error) => unreadable("The mailbox", &error),
                }
            })}
        </section>
    }
}

/// The mail that `?mail=` names, else the newest, beside the list of all.
#[component]
fn Panes(mut mails: Vec<StoredMail>, chosen: Option<String>, now_ms: i64) -> impl IntoView {
    if mails.is_empty() {
        return view! { <NoMails /> }.into_any();
    }
    let is_chosen = |mail: &StoredMail| Some(mail.id.to_string()) == chosen;
    let shown = mails.iter().position(is_chosen).unwrap_or(0);
    let row = |(place, mail): (usize, &StoredMail)| {
        view! {
            <li>
                <a
                    href=format!("/mailbox?mail={}", mail.id)
                    class="mailbox-item"
                    aria-current=(place == shown).then_some("true")
                >
                    <span class="mailbox-subject one-line">{mail.content.subject.clone()}</span>
                    <span class="mailbox-time">{ago(mail.created_at_ms, now_ms)}</span>
                    <span class="mailbox-recipient quiet one-line" dir="auto">{mail.recipient.clone()}</span>
                </a>
            </li>
        }
    };
    let rows = mails.iter().enumerate().map(row).collect_view();
    view! {
        <div class="mailbox card">
            <nav aria-label="Mails">
                <ol>{rows}</ol>
            </nav>
            <Reading mail=mails.swap_remove(shown) now_ms />
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
fn Reading(mail: StoredMail, now_ms: i64) -> impl IntoView {
    let paragraph = |line: String| view! { <p dir="auto">{line}</p> };
    let letter = mail.content;
    let button = letter.action.map(|action| {
        view! {
            <p>
                <a class="button" href=action.url>
                    {action.label}
                </a>
            </p>
        }
    });
    view! {
        <article class="mailbox-mail" aria-label=letter.subject>
            <header>
                <h2>{letter.subject.clone()}</h2>
                <p class="quiet">
                    <span>"From Seamline"</span>
                    <span>"to " <span dir="auto">{mail.recipient}</span></span>
                    <span>{ago(mail.created_at_ms, now_ms)}</span>
                </p>
            </header>
            <div class="mailbox-text">
                {letter.before.into_iter().map(paragraph).collect_view()}
                {button}
                <div class="quiet mailbox-end">{letter.after.into_iter().map(paragraph).collect_view()}</div>
            </div>
        </article>
    }
}
