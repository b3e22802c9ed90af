//! Browser events that did not arrive at Amplitude, of all browsers.

use leptos::prelude::*;
use tracking::loss::{Loss, Share};

use super::labels::{self, count};
use super::parts::Figure;

/// Events that browsers fired, against those that arrived.
#[component]
pub(super) fn LossCard(
    /// The counts.
    loss: Loss,
    /// Server events that arrived.
    arrived: i64,
) -> impl IntoView {
    let of = |share: Share| format!("{} of {}", share.arrived, share.fired);
    let lost = loss.counted().lost_percent();
    let lost = lost.map_or_else(|| "none".to_owned(), |percent| format!("{percent} %"));
    let sessions = format!("in {}", count(loss.sessions, "session"));
    view! {
        <section class="card operations-card" aria-labelledby="loss">
            <header>
                <h2 id="loss">"Browser events to Amplitude"</h2>
            </header>
            <dl class="operations-figures">
                <Figure label="Lost" value=lost note=Some(sessions) />
                <Figure label="Feature events" value=of(loss.events) note=Some("arrived".to_owned()) />
                <Figure label="Page views" value=of(loss.pages) note=Some("arrived".to_owned()) />
                <Figure label="Session starts" value=of(loss.session_starts()) note=Some("estimated".to_owned()) />
            </dl>
            <p class="quiet">
                "The page counts the events that it fires and reports the count to the server in a cookie, so events that a blocker drops are known. "
                {format!("Server events cannot be blocked: {} arrived.", labels::queue_count(arrived))}
            </p>
        </section>
    }
}
