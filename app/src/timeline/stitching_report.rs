//! What stitching changes: session metrics with it and without, and the anonymous history that it has merged.

use leptos::prelude::*;
use tracking::proof::MergedHistory;
use tracking::session_metrics::StitchingComparison;

use super::card::{TimelineCard, card_view};
use super::comparison::ComparisonTable;
use super::labels::counted;
use super::links;
use super::model::EventPage;

/// Session metrics of the newest events, stitched and unstitched.
pub(super) fn session_metrics(page: &EventPage, comparison: &StitchingComparison) -> AnyView {
    let line = view! { <h2>"Session metrics: stitched and unstitched"</h2> };
    let content = || {
        view! {
            <p class="quiet">
                "Unstitched: the same events, if the server sent a user ID without device and session."
            </p>
            <ComparisonTable comparison=comparison.clone() />
        }
    };
    card_view(
        page,
        TimelineCard::SessionMetrics,
        "card comparison",
        line,
        content,
    )
}

/// The devices whose anonymous events were merged into the person. `None` without any.
pub(super) fn merged_history(page: &EventPage, histories: &[MergedHistory]) -> Option<AnyView> {
    (!histories.is_empty()).then(|| {
        let line = view! { <h2>"Merged anonymous history"</h2> };
        let content = || {
            let find = page.query.find.as_deref();
            let rows = histories.iter().map(|history| history_row(history, find));
            view! {
                <p class="quiet">
                    "The anonymous events of a device are merged into the person with the first event that has a user ID."
                </p>
                <ol class="timeline-merged">{rows.collect_view()}</ol>
            }
        };
        card_view(page, TimelineCard::MergedHistory, "card", line, content)
    })
}

fn history_row(history: &MergedHistory, find: Option<&str>) -> impl IntoView + use<> {
    let href = links::event_url(find, &history.identified_by.uuid);
    let count = counted(history.anonymous_events as u64, "anonymous event");
    view! {
        <li>
            <span class="browser"><span class="badge">{count}</span></span>
            <span class="id">{history.device.clone()}</span>
            <svg viewBox="0 0 48 24" width="48" height="24" aria-hidden="true">
                <path class="browser" d="M0 6h10c14 0 14 6 28 6h10" />
                <path class="server" d="M0 18h10c14 0 14-6 28-6h10" />
            </svg>
            <a href=href>{history.identified_by.name.clone()}</a>
        </li>
    }
}
