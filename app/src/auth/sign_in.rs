//! The sign-in page.

use forms::{Secret, SignInForm};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;

use super::api;
use super::credentials::Credentials;
use crate::forms::{Typed, form_state, use_submit};
use crate::page::use_page;
use crate::tracking::leave_for;

/// Signs in.
#[component]
pub fn SignInPage() -> impl IntoView {
    let start = form_state::<SignInForm>();
    let signed_in = use_page().me.is_some() && start.faults.is_empty();
    let next = use_query_map().with_untracked(|query| query.get("next"));
    let submit = use_submit(
        start.faults,
        |typed: &Typed| SignInForm {
            email: typed.text("email"),
            password: Secret::new(typed.text("password")),
        },
        |form: &SignInForm| form.check().map(drop),
        move |form| api::sign_in(form, next.clone()),
        leave_for,
    );
    view! {
        <Title text="Sign in · Seamline" />
        {signed_in.then(|| view! { <Redirect path="/polls" /> })}
        <section class="narrow card">
            <h1>"Welcome back"</h1>
            <form method="post" novalidate on:submit=move |event| submit.send(event)>
                <Credentials
                    faults=submit.faults
                    email=start.typed.email
                    password="current-password"
                />
                <button type="submit" disabled=submit.pending>
                    "Sign in"
                </button>
            </form>
            <p class="aside split">
                <span>"New here? " <a href="/sign-up">"Create an account"</a></span>
                <a href="/forgot">"Forgot your password?"</a>
            </p>
        </section>
    }
}
