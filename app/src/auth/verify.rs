//! The page of a link that confirms an address. Opening it confirms nothing: programs that check mails open links. Its
//! button is shown in a browser that is signed in to the link's account. Other browsers are asked to sign in, or to set a
//! new password, which ends the logins of a person who signed up with this address before its owner.

use forms::{FieldErrors, ForgotForm};
use leptos::prelude::*;
use leptos_meta::Title;

use super::link_expired::LinkExpired;
use super::links::{LinkPage, LinkReader, OpenedLink, opened_link};
use crate::document::{document, form_errors, unreadable};
use crate::forms::{Form, Submit};
use crate::redirect::with_next;

/// The path that leads back to this page after signing in.
const SIGN_IN: &str = "/sign-in?next=/verify";

/// Asks for one click.
#[component]
pub fn VerifyPage() -> impl IntoView {
    let errors = form_errors();
    view! {
        <Title text="Confirm your address · Seamline" />
        {document(|context| async move {
            let again = match context.login {
                Some(_) => "/settings",
                None => "/sign-in?next=/settings",
            };
            match opened_link(&context, LinkPage::Verify).await {
                Ok(Some(link)) => {
                    match link.reader.clone() {
                        LinkReader::Owner => view! { <Confirm link errors /> }.into_any(),
                        LinkReader::SignedOut => view! { <AskToSignIn link /> }.into_any(),
                        LinkReader::OtherAccount(email) => view! { <AskToSwitch link email /> }.into_any(),
                    }
                }
                Ok(None) => view! { <LinkExpired again ask="Ask for a new link in your settings" /> }.into_any(),
                Err(error) => unreadable("Your link", &error),
            }
        })}
    }
}

#[component]
fn Confirm(link: OpenedLink, errors: FieldErrors) -> impl IntoView {
    let (title, button) = if link.changes_address {
        ("Use this address from now on?", "Use this address")
    } else {
        ("Is this your address?", "Yes, it is mine")
    };
    view! {
        <section class="narrow card">
            <h1>{title}</h1>
            <p class="lead">
                <strong class="address" dir="auto">{link.email}</strong>
            </p>
            <Form errors>
                <Submit label=button pending="Confirming…" />
            </Form>
            <p class="aside">"If you did not ask for this, close the page: without the click nothing happens."</p>
        </section>
    }
}

#[component]
fn AskToSignIn(link: OpenedLink) -> impl IntoView {
    let changes_address = link.changes_address;
    view! {
        <section class="narrow card">
            <h1>"Sign in to confirm this address"</h1>
            <p class="lead">
                <strong class="address" dir="auto">{link.email.clone()}</strong>
            </p>
            <p>"The link works in a browser that is signed in to the account. After you sign in, you come back to this page."</p>
            <p>
                <a class="button" href=SIGN_IN>
                    "Sign in"
                </a>
            </p>
            {(!changes_address).then(|| view! { <NewPassword email=link.email /> })}
            <p class="aside">"If you did not ask for this, close the page: nothing was changed."</p>
        </section>
    }
}

#[component]
fn AskToSwitch(link: OpenedLink, email: String) -> impl IntoView {
    let action = with_next("/sign-out", Some(SIGN_IN));
    view! {
        <section class="narrow card">
            <h1>"This link belongs to another account"</h1>
            <p class="lead">
                "It confirms " <strong class="address" dir="auto">{link.email}</strong> ". You are signed in as "
                <strong class="address" dir="auto">{email}</strong> "."
            </p>
            <form method="post" action=action>
                <Submit label="Sign out and switch account" pending="Signing out…" />
            </form>
            <p class="aside">"If you did not ask for this, close the page: nothing was changed."</p>
        </section>
    }
}

/// Sends a link for a new password to the address. Its use confirms the address and ends every login of the account.
#[component]
fn NewPassword(email: String) -> impl IntoView {
    view! {
        <form method="post" action="/forgot">
            <p>
                "No password, or not your sign-up? Set a new password by mail. It confirms the address and signs out every browser."
            </p>
            <input type="hidden" name=ForgotForm::email.name() value=email />
            <Submit label="Send me a link for a new password" pending="Sending…" class="secondary" />
        </form>
    }
}
