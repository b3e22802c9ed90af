//! The page about tracking, with the button that turns it on or off.

use forms::{Field, FieldError, FieldErrors};
use leptos::prelude::*;
use leptos_meta::Title;
use tracking::Choice;

use super::model::Privacy;
use crate::document::{are_cookies_off, form_errors, query_value};
use crate::forms::FormErrors;
use crate::page::use_page;
use crate::redirect::{Redirect, next_of_page, safe_path};

/// The key in this page's query after a choice of a browser that had no cookie.
pub(super) const CHOSEN: &str = "chosen";

/// What is tracked, what is not, and the visitor's choice. After a choice it goes on to the next page, or says that the browser
/// has not kept the choice's cookie.
#[component]
pub fn PrivacyPage() -> impl IntoView {
    let mut errors = form_errors();
    let page = use_page();
    let privacy = page.privacy;
    let is_kept = query_value(CHOSEN).is_some() && privacy.choice != Choice::Unset;
    let next = next_of_page().filter(|next| is_kept && safe_path(Some(next)).is_some());
    if are_cookies_off(CHOSEN) {
        errors = FieldErrors::one(Field::FORM, FieldError::CookiesOff);
    }
    let scope = if page.me.is_some() {
        "Your choice applies to your account, in every browser, and to this browser."
    } else {
        "Your choice applies to this browser."
    };
    let (choice, label) = if privacy.tracked {
        ("denied", "Do not count my visit")
    } else {
        ("granted", "Count my visit")
    };
    view! {
        <Title text="Privacy · Seamline" />
        {next.map(|path| view! { <Redirect path /> })}
        <section class="narrow card privacy">
            <h1>"Analytics preferences"</h1>
            <p class="lead" data-tracked=privacy.tracked.to_string()>{status(privacy)}</p>
            <dl class="stack">
                <div>
                    <dt>"If you accept"</dt>
                    <dd>
                        "Page views, clicks and their results go to Amplitude, under a random ID of this browser. Once you have "
                        "an account, they go under its ID. A trial sends the same IDs to Stripe, so that payments later can be "
                        "linked to your visit. Your name, your address and your votes are never sent."
                    </dd>
                </div>
                <div>
                    <dt>"If you decline"</dt>
                    <dd>
                        "No cookie identifies this browser for analytics. Amplitude's script is not loaded. Stripe gets none of "
                        "our IDs, and events that were not sent yet stay here. Everything works if you decline, Pro included."
                    </dd>
                </div>
            </dl>
            <FormErrors errors />
            <form method="post" class="actions">
                <button type="submit" name="choice" value=choice>
                    {label}
                </button>
            </form>
            <p class="quiet">{scope}</p>
        </section>
    }
}

/// Whether the visitor is tracked, and why.
const fn status(privacy: Privacy) -> &'static str {
    match (privacy.tracked, privacy.choice, privacy.signal) {
        (true, Choice::Granted, _) => "You accepted. Your visit is counted.",
        (true, ..) => "Your visit is counted. You can turn that off.",
        (false, Choice::Denied, _) => "You declined. Your visit is not counted.",
        (false, _, true) => {
            "Your browser declines for you (Global Privacy Control). Your visit is not counted."
        }
        (false, ..) => "You have not chosen yet. Your visit is not counted.",
    }
}
