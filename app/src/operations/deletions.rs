//! Account deletions that are not done.

use backend::accounts::deletion::{ParkedDeletion, QueueCounts};
use leptos::prelude::*;

use super::labels::{self, duration};
use super::model::ReplayTarget;
use super::parts::{Figure, ReplayForm, Time};

/// Counts of the deletions, and the parked ones with their reasons.
#[component]
pub(super) fn DeletionsCard(
    counts: QueueCounts,
    /// The latest parked ones.
    parked: Vec<ParkedDeletion>,
    now_ms: i64,
) -> impl IntoView {
    let oldest = counts
        .oldest_pending_ms
        .map(|requested_ms| format!("oldest: {}", duration(now_ms - requested_ms)));
    let rows: Vec<_> = parked
        .into_iter()
        .map(|deletion| view! { <DeletionRow deletion now_ms /> })
        .collect();
    view! {
        <section class="card operations-card" aria-labelledby="deletions">
            <header>
                <h2 id="deletions">"Account deletions"</h2>
            </header>
            <dl class="operations-figures">
                <Figure label="Pending" value=counts.pending.to_string() note=oldest />
                <Figure label="Parked" value=counts.parked.to_string() alarming={counts.parked > 0} />
            </dl>
            {match rows.is_empty() {
                true => view! { <p class="quiet">"No deletion is parked."</p> }.into_any(),
                false => view! { <ul class="operations-rows">{rows}</ul> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn DeletionRow(deletion: ParkedDeletion, now_ms: i64) -> impl IntoView {
    let user = deletion.user.to_string();
    let id = user.clone();
    view! {
        <li data-deletion=id>
            <div class="operations-row">
                <div>
                    <h3>{labels::deletion_step(&deletion.step)}</h3>
                    <p class="quiet" dir="auto">{deletion.reason}</p>
                </div>
                <ReplayForm action=ReplayTarget::Deletion id=user.clone() />
            </div>
            <p class="operations-facts">
                <span>"user " <span class="id">{user}</span></span>
                <span>{labels::count(deletion.attempts, "attempt")}</span>
                <span>"requested " <Time ms=deletion.requested_ms now_ms /></span>
                <span>"parked " <Time ms=deletion.parked_ms now_ms /></span>
            </p>
        </li>
    }
}
