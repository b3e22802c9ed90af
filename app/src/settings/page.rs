//! The overview.

use leptos::either::EitherOf3;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::{A, Redirect};

use super::api::{Settings, my_settings};
use super::logins::Logins;
use crate::forms::{FormFault, form_state};

/// Everything that one can do with one's account.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let faults = RwSignal::new(form_state::<()>().faults);
    let settings = Resource::new_blocking(|| (), |()| my_settings());
    view! {
        <Title text="Settings · Seamline" />
        <section class="settings">
            <h1>"Settings"</h1>
            <FormFault faults />
            <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Loading your settings…"</p> }>
                {move || Suspend::new(async move {
                    match settings.await {
                        Ok(None) => EitherOf3::A(view! { <Redirect path="/sign-in?next=/settings" /> }),
                        Ok(Some(settings)) => EitherOf3::B(view! { <Sections settings /> }),
                        Err(_) => EitherOf3::C(view! {
                            <p class="fault banner" role="alert">
                                "Your settings cannot be read right now. Please load the page again."
                            </p>
                        }),
                    }
                })}
            </Suspense>
        </section>
    }
}

#[component]
fn Sections(settings: Settings) -> impl IntoView {
    let Settings {
        email,
        verified,
        logins,
    } = settings;
    view! {
        <section class="card" aria-labelledby="account">
            <h2 id="account">"Account"</h2>
            <dl class="rows">
                <div>
                    <dt>"E-mail"</dt>
                    <dd>
                        <span class="address" dir="auto">{email}</span>
                        <VerifiedBadge verified />
                    </dd>
                    <dd class="does">
                        {(!verified).then(|| view! { <SendVerification /> })}
                        <A href="/settings/email" attr:class="button secondary small">"Change address"</A>
                    </dd>
                </div>
                <div>
                    <dt>"Password"</dt>
                    <dd>"Stored as a hash that nobody can read back."</dd>
                    <dd class="does">
                        <A href="/settings/password" attr:class="button secondary small">"Change password"</A>
                    </dd>
                </div>
            </dl>
        </section>
        <Logins logins />
        <section class="card" aria-labelledby="data">
            <h2 id="data">"Your data"</h2>
            <div class="row">
                <p class="quiet">
                    "Your account, your logins, your polls and your votes in one JSON file. What Amplitude knows is on your "
                    <A href="/timeline">"timeline"</A> "."
                </p>
                <a class="button secondary small" href="/settings/data" rel="external" download>
                    "Download my data"
                </a>
            </div>
        </section>
        <section class="card danger" aria-labelledby="end">
            <h2 id="end">"Delete account"</h2>
            <div class="row">
                <p class="quiet">
                    "Closes the account at once, cancels a subscription, erases your data here, and has Amplitude delete what it knows."
                </p>
                <A href="/settings/delete" attr:class="button secondary small">"Delete my account"</A>
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
            <button type="submit" class="secondary small">"Send the link again"</button>
        </form>
    }
}
