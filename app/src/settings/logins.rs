//! The list of open logins.

use backend::accounts::{OpenLogin, browser_name};
use backend::dates;
use leptos::prelude::*;
use uuid::Uuid;

use super::model::OTHER_LOGINS;
use crate::forms::Submit;
use crate::local_time::TextWithDay;
use crate::relative_time::ago;

/// The list, with a button to end each login except this browser's.
#[component]
pub fn Logins(
    logins: Vec<OpenLogin>,
    /// This browser's login.
    current: Uuid,
    now_ms: i64,
) -> impl IntoView {
    let others = logins.iter().any(|login| login.id != current);
    let rows = logins.into_iter().map(|login| {
        let is_current = login.id == current;
        view! { <Row login is_current now_ms /> }
    });
    view! {
        <section class="card" aria-labelledby="logins">
            <div class="settings-row">
                <h2 id="logins">"Signed in"</h2>
                {others
                    .then(|| {
                        view! {
                            <form method="post" action="/settings/logins">
                                <input type="hidden" name="login" value=OTHER_LOGINS />
                                <Submit
                                    label="Sign out everywhere else"
                                    pending="Signing out…"
                                    class="secondary small"
                                />
                            </form>
                        }
                    })}
            </div>
            <ul class="settings-logins">{rows.collect_view()}</ul>
            <p class="quiet">
                "A browser that you sign out from here becomes a new device. What its next user does is not linked to you."
            </p>
        </section>
    }
}

#[component]
fn Row(login: OpenLogin, is_current: bool, now_ms: i64) -> impl IntoView {
    let browser = browser_name(&login.user_agent);
    let [began, used] = [login.signed_in_at_ms, login.last_seen_at_ms].map(|ms| ago(ms, now_ms));
    let end_secs = login.ends_at_ms().div_euclid(1000);
    let end_day = dates::long(end_secs);
    let end = format!("Sign out {browser}");
    let handheld = ["iPhone", "iPad", "Android"]
        .iter()
        .any(|system| browser.contains(system));
    view! {
        <li>
            <Picture handheld />
            <div>
                <p class="settings-browser">{browser}</p>
                <p class="quiet">
                    <TextWithDay
                        text=format!("Signed in {began}, last used {used}, ends on {end_day} at the latest")
                        secs=Some(end_secs)
                    />
                </p>
            </div>
            {if is_current {
                view! { <span class="badge plain">"this browser"</span> }.into_any()
            } else {
                view! {
                    <form method="post" action="/settings/logins">
                        <input type="hidden" name="login" value=login.id.to_string() />
                        <button type="submit" class="secondary small" aria-label=end data-pending="Signing out…">
                            "Sign out"
                        </button>
                    </form>
                }
                    .into_any()
            }}
        </li>
    }
}

/// A laptop or a phone.
#[component]
fn Picture(handheld: bool) -> impl IntoView {
    let path = if handheld {
        "M8 2.75h8a1.5 1.5 0 0 1 1.5 1.5v15.5a1.5 1.5 0 0 1-1.5 1.5H8a1.5 1.5 0 0 1-1.5-1.5V4.250a1.500 1.500 0 0 1 1.500-1.500zM11 18.500h2"
    } else {
        "M5.500 5h13a1 1 0 0 1 1 1v9.500h-15V6a1 1 0 0 1 1-1zM2.500 19h19l-1.500-3.500h-16z"
    };
    view! {
        <svg class="settings-icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
            <path d=path />
        </svg>
    }
}
