//! A person's timeline: the person and the verdict in a line each, the tools, the sessions, and beside them the analysis.
//!
//! Parts that change when an event arrives have an ID and are marked `data-live`.

use std::sync::Arc;

use leptos::prelude::*;
use tracking::received::session_groups;

use super::ledger::ledger;
use super::links;
use super::loss::browser_loss;
use super::model::{EventPage, TimelineQuery};
use super::person::PersonView;
use super::session_group::SessionGroupView;
use super::stitching_report::{merged_history, session_metrics};
use super::tools::Tools;
use super::verdict::VerdictView;

/// A page of events, with the person, the verdict, the tools and the report.
#[component]
pub(super) fn TimelineView(page: EventPage) -> impl IntoView {
    let page = Arc::new(page);
    let skipped = page.skipped.then(|| {
        let newest = links::page_url(&page.query.first_page());
        view! {
            <p class="banner" role="status">
                "These are earlier events. " <a href=newest>"Show the newest"</a>
            </p>
        }
    });
    view! {
        <PersonView page=Arc::clone(&page) />
        <VerdictView page=Arc::clone(&page) />
        <Tools page=Arc::clone(&page) />
        {skipped}
        <div class="timeline-columns">
            <SessionGroups page=Arc::clone(&page) />
            <Report page />
        </div>
    }
}

#[component]
fn SessionGroups(page: Arc<EventPage>) -> impl IntoView {
    let groups = session_groups(&page.events)
        .into_iter()
        .map(|group| view! { <SessionGroupView group page=Arc::clone(&page) /> })
        .collect_view();
    let older = page.older.clone().map(|older| {
        let href = links::page_url(&TimelineQuery {
            older: Some(older),
            ..page.query.first_page()
        });
        view! {
            <p class="timeline-older">
                <a class="button secondary" href=href>
                    "Earlier sessions"
                </a>
            </p>
        }
    });
    view! {
        <div class="timeline-sessions" id="session-groups" data-live>
            {groups}
            {older}
        </div>
    }
}

/// The analysis of the newest events. On later pages it is empty and hidden.
#[component]
fn Report(page: Arc<EventPage>) -> impl IntoView {
    let analysis = page.analysis.as_deref();
    let analysis = analysis.filter(|analysis| analysis.verdict.events > 0);
    let parts = analysis.map(|analysis| {
        (
            session_metrics(&page, &analysis.comparison),
            merged_history(&page, &analysis.merged_histories),
            browser_loss(&page, analysis.from_server),
            ledger(&page, &analysis.reconciliation),
        )
    });
    let hidden = parts.is_none();
    view! {
        <aside class="timeline-report" id="report" aria-label="Analysis" hidden=hidden data-live>
            {parts}
        </aside>
    }
}
