//! The sessions page: session metrics over several users, stitched, and as they would be unstitched.

use leptos::prelude::*;
use tracking::session_metrics::StitchingComparison;

use super::parts::{OperatorPage, UnreadableCard};
use super::{labels, queries};
use crate::document::document;
use crate::timeline::ComparisonTable;

const TITLE: &str = "Session metrics: stitched and unstitched";

/// Session metrics of the newest users. It answers 404 to visitors who are not operators.
#[component]
pub fn SessionsPage() -> impl IntoView {
    view! {
        <OperatorPage title="Sessions">
            {document(|context| async move {
                match queries::session_metrics(&context).await {
                    Ok((users, comparison)) => view! { <MetricsCard users comparison /> }.into_any(),
                    Err(error) => {
                        let reason = labels::unreadable(&error, "The users' events cannot be read right now.");
                        view! { <UnreadableCard id="session-metrics" title=TITLE reason /> }.into_any()
                    }
                }
            })}
        </OperatorPage>
    }
}

#[component]
fn MetricsCard(users: usize, comparison: StitchingComparison) -> impl IntoView {
    let scope = match users {
        1 => "The newest events of 1 user".to_owned(),
        users => format!("The newest events of the {users} users who had a server event last"),
    };
    view! {
        <section class="card operations-card comparison" aria-labelledby="session-metrics">
            <header>
                <h2 id="session-metrics">{TITLE}</h2>
            </header>
            {if users == 0 {
                view! { <p class="quiet">"No user has events yet."</p> }.into_any()
            } else {
                view! {
                    <p class="quiet">
                        {scope} ", and the same events as if the server sent a user ID only, without device ID and session."
                    </p>
                    <ComparisonTable comparison />
                }
                    .into_any()
            }}
        </section>
    }
}
