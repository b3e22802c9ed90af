//! Session metrics, stitched and unstitched, side by side.

use leptos::prelude::*;
use tracking::session_metrics::{FUNNEL, SessionMetrics, StitchingComparison};

use super::labels::duration;

/// Both as a table. Rows that differ are marked.
#[component]
pub fn ComparisonTable(
    /// The metrics.
    comparison: StitchingComparison,
) -> impl IntoView {
    let StitchingComparison {
        stitched: with,
        unstitched: without,
    } = comparison;
    let row = |name: &'static str, of: fn(&SessionMetrics) -> String| {
        let (with, without) = (of(&with), of(&without));
        let class = if with == without { "" } else { "differs" };
        view! { <tr class=class><th scope="row">{name}</th><td>{with}</td><td>{without}</td></tr> }
    };
    let most = with.funnel[0].max(without.funnel[0]).max(1);
    let bar = |done: usize| {
        view! { <progress class="inline" max=most value=done aria-hidden="true"></progress>" "{done} }
    };
    let steps = FUNNEL.iter().enumerate().map(|(step, name)| {
        let (with, without) = (with.funnel[step], without.funnel[step]);
        let class = if with == without { "" } else { "differs" };
        let name = name.trim_start_matches("[Amplitude] ");
        view! { <tr class=class><th scope="row">{name}</th><td>{bar(with)}</td><td>{bar(without)}</td></tr> }
    });
    let steps = steps.collect_view();
    view! {
        <table>
            <thead>
                <tr>
                    <td></td>
                    <th scope="col">"Stitched"</th>
                    <th scope="col">"Unstitched"</th>
                </tr>
            </thead>
            <tbody>
                {row("Sessions", |metrics| metrics.sessions.to_string())}
                {row("Mean length", |metrics| duration(metrics.average_ms()))}
                {row("Longest", |metrics| duration(metrics.longest_ms))}
                {row("Events out of session", |metrics| metrics.out_of_session.to_string())}
                {row("Devices", |metrics| metrics.devices.to_string())}
            </tbody>
            <tbody>
                <tr class="comparison-group"><th colspan="3" scope="colgroup">"Funnel, session held constant"</th></tr>
                {steps}
            </tbody>
        </table>
    }
}
