//! Browser event loss: what the person's browsers fired against what arrived.

use leptos::prelude::*;
use tracking::loss::Share;

use super::card::{TimelineCard, card_view};
use super::model::EventPage;

/// Events fired and arrived. `None` without a session in which our script has counted.
pub(super) fn browser_loss(page: &EventPage, from_server: usize) -> Option<AnyView> {
    let loss = page.loss;
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
    (loss.sessions > 0).then(|| {
        let line = view! { <h2>"Browser event loss"</h2> };
        let content = || {
            let lost = match loss.counted().lost_percent() {
                None | Some(0) => "All events that the browser fired have arrived.".to_owned(),
                Some(percent) => format!(
                    "{percent} % of the events that the browser fired did not arrive: a blocker stopped them, or the tab was closed too early."
                ),
            };
            let sent = match from_server {
                0 => None,
                1 => Some(" 1 event was sent by the server, so no blocker affects it.".to_owned()),
                count => Some(format!(" {count} events were sent by the server, so no blocker affects them.")),
            };
            view! {
                <p class="quiet">{lost} {sent}</p>
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
            }
        };
        card_view(page, TimelineCard::BrowserLoss, "card comparison", line, content)
    })
}
