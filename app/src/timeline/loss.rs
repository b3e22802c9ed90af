//! What blockers ate of this story, and what the server side saved.

use leptos::prelude::*;
use tracking::loss::Share;

use super::story::Shown;

/// What the person's browsers fired against what arrived.
#[component]
pub(super) fn LossView(shown: Shown) -> impl IntoView {
    move || {
        let judged = shown.judgement.get()?;
        let (loss, saved) = (judged.loss, judged.from_server);
        (loss.sessions > 0).then(|| {
            let row = |name: &'static str, share: Share| {
                let class = if share.lost() > 0 { "differs" } else { "" };
                view! {
                    <tr class=class>
                        <th scope="row">{name}</th>
                        <td>{share.fired}</td>
                        <td>{share.arrived}</td>
                    </tr>
                }
            };
            let sentence = match loss.counted().lost_percent() {
                None | Some(0) => "Nothing that this browser fired was lost.".to_owned(),
                Some(percent) => format!("{percent} % of what the browser fired never arrived: a blocker, or a tab that closed too soon."),
            };
            let saved = match saved {
                0 => None,
                1 => Some("1 event came from the server, where no blocker sees it.".to_owned()),
                saved => Some(format!("{saved} events came from the server, where no blocker sees them.")),
            };
            view! {
                <section class="card comparison loss" aria-label="What the browser lost" data-lost=loss.counted().lost()>
                    <h2>"What the browser lost"</h2>
                    <p class="quiet">{sentence} " " {saved}</p>
                    <table>
                        <thead>
                            <tr>
                                <td></td>
                                <th scope="col">"Fired"</th>
                                <th scope="col">"Arrived"</th>
                            </tr>
                        </thead>
                        <tbody>
                            {row("Feature events", loss.events)}
                            {row("Page views", loss.pages)}
                            {row("Session starts, estimated", loss.session_starts())}
                        </tbody>
                    </table>
                </section>
            }
        })
    }
}
