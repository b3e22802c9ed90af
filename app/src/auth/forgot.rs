//! The page for a forgotten password.

use forms::ForgotForm;
use leptos::either::Either;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::document::{FormInput, form_input, query_value};
use crate::forms::{Form, Submit, TextField};
use crate::page::use_page;

/// Asks for the address, and says afterwards where to look.
#[component]
pub fn ForgotPage() -> impl IntoView {
    let sent = query_value("done").is_some();
    view! {
        <Title text="Forgot your password? · Seamline" />
        {if sent { Either::Left(view! { <Sent /> }) } else { Either::Right(view! { <Ask /> }) }}
    }
}

#[component]
fn Ask() -> impl IntoView {
    let FormInput { input, errors } = form_input::<ForgotForm>();
    view! {
        <section class="narrow card">
            <h1>"Forgot your password?"</h1>
            <p class="lead">"Enter your address, and we send you a link that sets a new password."</p>
            <Form errors>
                <TextField field=ForgotForm::email label="Email" kind="email" value=input.email autocomplete="email" />
                <Submit label="Send me a link" pending="Sending…" />
            </Form>
            <p class="aside">"Remembered it? " <a href="/sign-in">"Sign in"</a></p>
        </section>
    }
}

/// The same for an address that has an account and for one that has none.
#[component]
fn Sent() -> impl IntoView {
    let mailbox = use_page().mailbox;
    view! {
        <section class="narrow card">
            <h1>"Check your inbox"</h1>
            <p class="lead">
                "If the address has an account, a mail with a link is on its way to it. The link works once, within an hour."
            </p>
            {mailbox
                .then(|| {
                    view! {
                        <p>
                            <a class="button" href="/mailbox">
                                "Open the local mailbox"
                            </a>
                        </p>
                    }
                })}
            <p class="aside">"Nothing there? Check the junk folder, or " <a href="/forgot">"ask again"</a> "."</p>
        </section>
    }
}
