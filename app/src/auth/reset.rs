//! The page that a link for a new password leads to.

use forms::{Field, ResetForm, Secret};
use leptos::either::EitherOf3;
use leptos::prelude::*;
use leptos_meta::Title;

use super::links::{self, LinkPage, OpenedLink};
use super::spent::{SpentLink, UnreadableLink};
use crate::forms::{FormFault, TextField, Typed, form_state, use_submit};
use crate::tracking::leave_for;

/// Sets a new password.
#[component]
pub fn ResetPage() -> impl IntoView {
    let link = Resource::new_blocking(|| (), |()| links::look_at_link(LinkPage::Reset));
    view! {
        <Title text="Set a new password · Seamline" />
        <Suspense fallback=|| {
            view! { <p class="quiet" aria-busy="true">"Looking at your link…"</p> }
        }>
            {move || Suspend::new(async move {
                match link.await {
                    Ok(Some(link)) => EitherOf3::A(view! { <NewPassword link /> }),
                    Ok(None) => EitherOf3::B(view! { <SpentLink again="/forgot" ask="Ask for a new link" /> }),
                    Err(_) => EitherOf3::C(view! { <UnreadableLink /> }),
                }
            })}
        </Suspense>
    }
}

#[component]
fn NewPassword(link: OpenedLink) -> impl IntoView {
    let start = form_state::<ResetForm>();
    let submit = use_submit(
        start.faults,
        |typed: &Typed| ResetForm {
            password: Secret::new(typed.text("password")),
        },
        |form: &ResetForm| form.check().map(drop),
        links::reset,
        leave_for,
    );
    view! {
        <section class="narrow card">
            <h1>"Set a new password"</h1>
            <p class="lead">"For " <strong class="address" dir="auto">{link.email.clone()}</strong></p>
            <form method="post" novalidate on:submit=move |event| submit.send(event)>
                // Tells password managers whose password this is.
                <input type="hidden" name="email" value=link.email autocomplete="username" />
                <FormFault faults=submit.faults />
                <TextField
                    field=Field::Password
                    faults=submit.faults
                    name="password"
                    label="New password"
                    kind="password"
                    value=""
                    autocomplete="new-password"
                    hint=Some("At least 10 characters. Every browser that is signed in now will be signed out.")
                />
                <button type="submit" disabled=submit.pending>
                    "Set password"
                </button>
            </form>
        </section>
    }
}
