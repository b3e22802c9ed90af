//! The page that a link which confirms an address leads to. Opening it confirms nothing: programs that check mails open
//! links.

use forms::FieldErrors;
use leptos::prelude::*;
use leptos_meta::Title;

use super::link_expired::LinkExpired;
use super::links::{LinkPage, OpenedLink, opened_link};
use crate::document::{document, form_errors, unreadable};
use crate::forms::{Form, Submit};

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
                Ok(Some(link)) => view! { <Confirm link errors /> }.into_any(),
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
