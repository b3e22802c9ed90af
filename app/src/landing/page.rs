//! The page: the claim, a small timeline beside it, and below it which events each source fires and which IDs they carry.

use leptos::prelude::*;
use leptos_meta::Title;

use super::timeline::LandingTimeline;
use crate::page::use_page;

/// The landing page.
#[component]
pub fn LandingPage() -> impl IntoView {
    let (href, label) = match &use_page().me {
        Some(_) => ("/polls", "Go to your polls"),
        None => ("/sign-up", "Make a poll"),
    };
    view! {
        <Title text="Seamline: polls for teams, tracked in one timeline" />
        <section class="landing-hero">
            <div>
                <p class="landing-kicker">"Polls for teams · a demo of hybrid tracking"</p>
                <h1>"Browser and server, one timeline."</h1>
                <p class="lead">
                    "Clicks fire in the browser. Sign-ups and revenue fire on the server, after the database has committed them. "
                    "All carry the same device, session and user IDs, so each person has one timeline."
                </p>
                <p class="actions">
                    <a class="button" href=href>
                        {label}
                    </a>
                    <a class="button secondary" href="/timeline">
                        "See your timeline"
                    </a>
                </p>
            </div>
            <LandingTimeline />
        </section>
        <section class="landing-sources" aria-label="What fires where">
            <Point
                class="browser"
                badge="browser"
                title="Context is collected automatically"
                fires="Amplitude's own SDK sends page views, clicks and the use of features. Blockers can stop these events, but no sign-up and no payment depends on them."
                carries="device and session, and the user after sign-in"
            />
            <Point
                class="server"
                badge="server"
                title="Sign-ups are never lost"
                fires="Sign-ups and sign-ins are written in the same transaction as the change itself, and each is counted exactly once."
                carries="the user, with device and session from the cookies of the request"
            />
            <Point
                class="stripe"
                badge="Stripe webhook"
                title="Late, and in the same session"
                fires="Trials and payments. The IDs of the click go through Stripe and come back with the webhook. A renewal has no click."
                carries="the user, with device and session of the click; a renewal carries the user only"
            />
        </section>
    }
}

#[component]
fn Point(
    /// The source.
    class: &'static str,
    /// Its name.
    badge: &'static str,
    /// Its advantage.
    title: &'static str,
    /// Its events.
    fires: &'static str,
    /// The IDs of its events.
    carries: &'static str,
) -> impl IntoView {
    view! {
        <article class=class>
            <span class="badge">{badge}</span>
            <h2>{title}</h2>
            <p>{fires}</p>
            <p class="landing-carries">
                <strong>"Carries "</strong>
                {carries} "."
            </p>
        </article>
    }
}
