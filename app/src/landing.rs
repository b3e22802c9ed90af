//! The landing page: what hybrid tracking is, in one screen.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

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
        <section class="points" aria-label="How it works">
            <article class="browser">
                <span class="badge">"browser"</span>
                <h2>"Context comes for free"</h2>
                <p>"Pages, clicks and device details, from Amplitude's own SDK. Blockers eat some of it, and that is fine."</p>
            </article>
            <article class="server">
                <span class="badge">"server"</span>
                <h2>"Facts never get lost"</h2>
                <p>"Written in the transaction that makes them true, delivered at least once, counted exactly once."</p>
            </article>
            <article class="stripe">
                <span class="badge">"Stripe webhook"</span>
                <h2>"Half a minute later, same session"</h2>
                <p>"The IDs of the click ride along through Stripe. A renewal a month later carries none of them."</p>
            </article>
        </section>
    }
}

/// One session and what came after it, as the timeline shows them.
#[component]
fn Miniature() -> impl IntoView {
    let step = |class: &'static str, source: &'static str, name: &'static str, at: &'static str| {
        view! {
            <li class=class>
                <div class="event">
                    <span class="badge">{source}</span>
                    <span class="name">{name}</span>
                    <span class="at">{at}</span>
                </div>
            </li>
        }
    };
    view! {
        <figure class="card miniature">
            <figcaption>"One session, as it should read"</figcaption>
            <p class="quiet carried">"Every event carries the same device and the same session."</p>
            <ol class="seam">
                {step("browser", "browser", "Page Viewed", "0:00")}
                {step("server", "server", "Sign-up completed", "0:24")}
                {step("browser", "browser", "Poll created", "1:10")}
                {step("browser", "browser", "Trial checkout clicked", "2:05")}
                {step("stripe", "Stripe", "Trial started", "2:36")}
            </ol>
            <p class="quiet later">"Three days later, with nobody there: no session."</p>
            <ol class="seam">{step("stripe", "Stripe", "Trial converted", "day 3")}</ol>
        </figure>
    }
}
