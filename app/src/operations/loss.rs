//! What blockers eat of everybody's events.

use leptos::prelude::*;
use tracking::loss::{Loss, Share};

use super::parts::Figure;

/// What browsers fired against what arrived. `saved`: server events that arrived.
#[component]
pub(super) fn LossCard(loss: Loss, saved: i64) -> impl IntoView {
    let of = |share: Share| format!("{} of {}", share.arrived, share.fired);
    let lost = loss.counted().lost_percent();
    let lost = lost.map_or_else(|| "none".to_owned(), |percent| format!("{percent} %"));
    let sessions = match loss.sessions {
        1 => "in 1 session".to_owned(),
        sessions => format!("in {sessions} sessions"),
    };
    view! {
        <section class="card operations-card" aria-labelledby="loss">
            <header>
                <h2 id="loss">"Browser events to Amplitude"</h2>
            </header>
            <dl class="gauges">
                <Figure label="Lost" value=lost note=Some(sessions) />
                <Figure label="Feature events" value=of(loss.events) note=Some("arrived".to_owned()) />
                <Figure label="Page views" value=of(loss.pages) note=Some("arrived".to_owned()) />
                <Figure label="Session starts" value=of(loss.session_starts()) note=Some("estimated".to_owned()) />
            </dl>
            <p class="quiet">
                "The page counts what it fires and tells the server by a cookie, so what a blocker eats is known. "
                {format!("Server events cannot be blocked: {saved} arrived.")}
            </p>
        </section>
    }
}
