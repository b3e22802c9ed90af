//! The sign-in page.

use forms::{Field, FieldError, FieldErrors, SignInForm};
use leptos::prelude::*;
use leptos_meta::Title;

use crate::document::{FormInput, are_cookies_off, form_input};
use crate::forms::{Form, Submit, TextField};
use crate::page::use_page;
use crate::redirect::{Redirect, next_of_page, safe_next, with_next};

/// The key in this page's query after a sign-in or sign-up of a browser that had no cookie.
pub(super) const SIGNED_IN: &str = "signed-in";

/// Signs in. After a sign-in it goes on to the next page, or says that the browser has not kept the login's cookie.
#[component]
pub fn SignInPage() -> impl IntoView {
    let FormInput { input, mut errors } = form_input::<SignInForm>();
    let next = next_of_page();
    let signed_in = use_page().me.is_some() && errors.is_empty();
    if !signed_in && errors.is_empty() && are_cookies_off(SIGNED_IN) {
        errors = FieldErrors::one(Field::FORM, FieldError::CookiesOff);
    }
    view! {
        <Title text="Sign in · Seamline" />
        {signed_in.then(|| view! { <Redirect path=safe_next(next.as_deref()).to_owned() /> })}
        <section class="narrow card">
            <h1>"Welcome back"</h1>
            <Form errors>
                <TextField field=SignInForm::email label="Email" kind="email" value=input.email autocomplete="email" />
                <TextField field=SignInForm::password label="Password" kind="password" autocomplete="current-password" />
                <Submit label="Sign in" pending="Signing in…" />
            </Form>
            <p class="aside split">
                <span>"New here? " <a href=with_next("/sign-up", next.as_deref())>"Create an account"</a></span>
                <a href="/forgot">"Forgot your password?"</a>
            </p>
        </section>
    }
}
