//! The page: a list, and the mail that was chosen.

use leptos::either::{Either, EitherOf4};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::api::{MailView, mails};
use crate::not_found::NotFoundPage;
use crate::page::use_page;

/// The mailbox, where there is one.
#[component]
pub fn MailboxPage() -> impl IntoView {
    if use_page().mailbox {
        Either::Left(view! { <Mailbox /> })
    } else {
        Either::Right(view! { <NotFoundPage /> })
    }
}

#[component]
fn Mailbox() -> impl IntoView {
    let mails = Resource::new_blocking(|| (), |()| mails());
    view! {
        <Title text="Local mailbox · Seamline" />
        <section class="page">
            <div class="page-head">
                <div>
                    <h1>"Local mailbox"</h1>
                    <p class="quiet">"Mails to everybody on this machine. With SMTP_URL set they would be sent instead."</p>
                </div>
                <a class="button secondary" href="/mailbox" rel="external">
                    "Check for mail"
                </a>
            </div>
            <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Opening the mailbox…"</p> }>
                {move || Suspend::new(async move {
                    match mails.await {
                        Ok(Some(mails)) if mails.is_empty() => EitherOf4::A(view! { <NoMails /> }),
                        Ok(Some(mails)) => EitherOf4::B(view! { <Panes mails /> }),
                        Ok(None) => EitherOf4::C(view! { <NotFoundPage /> }),
                        Err(_) => EitherOf4::D(view! {
                            <p class="fault banner" role="alert">
                                "The mailbox cannot be read right now. Please load the page again."
                            </p>
                        }),
                    }
                })}
            </Suspense>
        </section>
    }
}

#[component]
fn NoMails() -> impl IntoView {
    view! {
        <div class="empty card">
            <h2>"No mails yet"</h2>
            <p>"Sign up, and the first one will be here: it asks you to confirm your address."</p>
            <a class="button" href="/sign-up">"Sign up"</a>
        </div>
    }
}

/// The mail of `?mail=`, else the newest, beside the list of all.
#[component]
fn Panes(mails: Vec<MailView>) -> impl IntoView {
    let query = use_query_map();
    let mails = StoredValue::new(mails);
    let chosen = Memo::new(move |_| {
        let wanted = query.with(|query| query.get("mail"));
        mails.with_value(|mails| {
            let place = mails.iter().position(|mail| Some(mail.id.to_string()) == wanted);
            place.unwrap_or_default()
        })
    });
    let row = move |(place, mail): (usize, MailView)| {
        view! {
            <li>
                // No `A`: it would call every mail the current page, since it looks at the path alone.
                <a
                    href=format!("/mailbox?mail={}", mail.id)
                    class="mail"
                    aria-current=move || (chosen.get() == place).then_some("true")
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
                <ol>{mails.get_value().into_iter().enumerate().map(row).collect_view()}</ol>
            </nav>
            {move || mails.with_value(|mails| mails.get(chosen.get()).cloned()).map(|mail| view! { <Reading mail /> })}
        </div>
    }
}

#[component]
fn Reading(mail: MailView) -> impl IntoView {
    let paragraph = |line: String| view! { <p dir="auto">{line}</p> };
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
                {mail
                    .action
                    .map(|(label, url)| {
                        view! {
                            <p>
                                <a class="button" href=url rel="external">
                                    {label}
                                </a>
                            </p>
                        }
                    })}
                <div class="after">{mail.after.into_iter().map(paragraph).collect_view()}</div>
            </div>
        </article>
    }
}
