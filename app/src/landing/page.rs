//! The page: the claim, the visitor's own timeline beside it, and below it what fires where and which IDs it carries.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

use super::miniature::Miniature;
use crate::page::use_page;

/// The landing page.
#[component]
pub fn LandingPage() -> impl IntoView {
    let signed_in = use_page().me.is_some();
    view! {
        <Title text="Seamline: polls for teams, tracked as one story" />
        <section class="hero">
            <div>
                <p class="kicker">"Polls for teams · a demo of hybrid tracking"</p>
                <h1>"Browser and server, one timeline."</h1>
                <p class="lead">
                    "Clicks fire in the browser. Sign-ups and revenue fire on the server, once they are true. "
                    "Device, session and user travel between the two, so that every person reads as one story."
                </p>
                <p class="actions">
                    {if signed_in {
                        view! { <A href="/polls" attr:class="button">"Go to your polls"</A> }.into_any()
                    } else {
                        view! { <A href="/sign-up" attr:class="button">"Make a poll"</A> }.into_any()
                    }}
                    <A href="/timeline" attr:class="button secondary">
                        "See your timeline"
                    </A>
                </p>
            </div>
            <Miniature />
        </section>
        <section class="points" aria-label="What fires where">
            <Point
                class="browser"
                badge="browser"
                title="Context comes for free"
                fires="Page views, clicks and what you do with polls, from Amplitude's own SDK. Blockers eat some of it, but never a fact."
                carries="device and session, and the user once there is one"
            />
            <Point
                class="server"
                badge="server"
                title="Facts never get lost"
                fires="Sign-ups and sign-ins, written in the transaction that makes them true, and counted exactly once."
                carries="the user, with device and session of the request's cookies"
            />
            <Point
                class="stripe"
                badge="Stripe webhook"
                title="Late, and in the same session"
                fires="Trials and payments. The IDs of the click ride along through Stripe and back; for a renewal nobody is there."
                carries="the user, with device and session of the click; a renewal, the user alone"
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
    /// What it is good for.
    title: &'static str,
    /// Which events come from there.
    fires: &'static str,
    /// Which IDs they have.
    carries: &'static str,
) -> impl IntoView {
    view! {
        <article class=class>
            <span class="badge">{badge}</span>
            <h2>{title}</h2>
            <p>{fires}</p>
            <p class="carries">
                <strong>"Carries "</strong>
                {carries} "."
            </p>
        </article>
    }
}
