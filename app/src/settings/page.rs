//! The overview of the settings.

use backend::accounts::{Login, OpenLogin};
use leptos::prelude::*;
use leptos_meta::Title;

use super::logins::Logins;
use crate::document::{document, form_errors, unreadable};
use crate::forms::{FormErrors, Submit};
use crate::redirect::Redirect;

/// Everything that a user can do with their account.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let errors = form_errors();
    view! {
        <Title text="Settings · Seamline" />
        <section class="settings">
            <h1>"Settings"</h1>
            <FormErrors errors />
            {document(|context| async move {
                let Some(login) = context.login else {
                    return view! { <Redirect path="/sign-in?next=/settings" /> }.into_any();
                };
                match context.backend.accounts.open_logins(&login).await {
                    Ok(logins) => view! { <Sections login logins now_ms=context.backend.clock.now_ms() /> }.into_any(),
                    Err(error) => unreadable("Your settings", &error),
                }
            })}
        </section>
    }
}

#[component]
fn Sections(login: Login, logins: Vec<OpenLogin>, now_ms: i64) -> impl IntoView {
    let verified = login.user.verified;
    view! {
        <section class="card" aria-labelledby="account">
            <h2 id="account">"Account"</h2>
            <dl class="settings-list">
                <div>
                    <dt>"Email"</dt>
                    <dd>
                        <span class="address" dir="auto">{login.user.email}</span>
                        <VerifiedBadge verified />
                    </dd>
                    <dd class="settings-action">
                        {(!verified).then(|| view! { <SendVerification /> })}
                        <a href="/settings/email" class="button secondary small">"Change address"</a>
                    </dd>
                </div>
                <div>
                    <dt>"Password"</dt>
                    <dd>"Stored as a hash that cannot be read back."</dd>
                    <dd class="settings-action">
                        <a href="/settings/password" class="button secondary small">"Change password"</a>
                    </dd>
                </div>
            </dl>
        </section>
        <Logins logins current=login.id now_ms />
        <section class="card" aria-labelledby="data">
            <h2 id="data">"Your data"</h2>
            <div class="settings-row">
                <p class="quiet">
                    "Your account, your logins, your polls and your votes in one JSON file. What Amplitude has about you is on your "
                    <a href="/timeline">"timeline"</a> "."
                </p>
                <a class="button secondary small" href="/settings/data" download>
                    "Download my data"
                </a>
            </div>
        </section>
        <section class="card danger" aria-labelledby="end">
            <h2 id="end">"Delete account"</h2>
            <div class="settings-row">
                <p class="quiet">
                    "Closes the account at once, cancels a subscription, erases your data here, and asks Amplitude to delete your data."
                </p>
                <a href="/settings/delete" class="button secondary small">"Delete my account"</a>
            </div>
        </section>
    }
}

#[component]
fn VerifiedBadge(verified: bool) -> impl IntoView {
    if verified {
        view! { <span class="badge plain">"confirmed"</span> }
    } else {
        view! { <span class="badge bad">"not confirmed"</span> }
    }
}

#[component]
fn SendVerification() -> impl IntoView {
    view! {
        <form method="post" action="/settings/verification">
            <Submit label="Send the link again" pending="Sending…" class="secondary small" />
        </form>
    }
}
