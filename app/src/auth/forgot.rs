//! The page of those who have forgotten their password.

use forms::{Field, ForgotForm};
use leptos::either::Either;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::links;
use crate::forms::{FormFault, TextField, Typed, form_state, use_submit};
use crate::page::use_page;
use crate::tracking::leave_for;

/// Asks for the address, and says afterwards where to look.
#[component]
pub fn ForgotPage() -> impl IntoView {
    let sent = use_query_map().with_untracked(|query| query.get("done").is_some());
    view! {
        <Title text="Forgot your password? · Seamline" />
        {if sent { Either::Left(view! { <Sent /> }) } else { Either::Right(view! { <Ask /> }) }}
    }
}

#[component]
fn Ask() -> impl IntoView {
    let start = form_state::<ForgotForm>();
    let submit = use_submit(
        start.faults,
        |typed: &Typed| ForgotForm {
            email: typed.text("email"),
        },
        |form: &ForgotForm| form.check().map(drop),
        links::forgot,
        leave_for,
    );
    view! {
        <section class="narrow card">
            <h1>"Forgot your password?"</h1>
            <p class="lead">"Tell us your address, and we send you a link that sets a new one."</p>
            <form method="post" novalidate on:submit=move |event| submit.send(event)>
                <FormFault faults=submit.faults />
                <TextField
                    field=Field::Email
                    faults=submit.faults
                    name="email"
                    label="E-mail"
                    kind="email"
                    value=start.typed.email
                    autocomplete="email"
                />
                <button type="submit" disabled=submit.pending>
                    "Send me a link"
                </button>
            </form>
            <p class="aside">"It came back to you? " <a href="/sign-in">"Sign in"</a></p>
        </section>
    }
}

/// The same for an address that has an account and for one that has none.
#[component]
fn Sent() -> impl IntoView {
    let mailbox = use_page().mailbox;
    view! {
        <section class="narrow card">
            <h1>"Look into your mailbox"</h1>
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
            <p class="aside">"Nothing there? Look into the junk folder, or " <a href="/forgot">"ask again"</a> "."</p>
        </section>
    }
}
