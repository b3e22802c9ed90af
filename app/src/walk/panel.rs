//! The walk at the edge of every page: closed, it is a word; opened, it has the next step. It reads nothing before that.
//! Without script it leads to the page.

use leptos::html::Details;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_location;

use super::api::{Walk, read_walk};
use super::page::place;
use crate::page::use_page;

/// The panel, where there is a walk; the walk's own page needs none.
#[component]
pub fn WalkPanel() -> impl IntoView {
    let here = use_location().pathname;
    let elsewhere = Memo::new(move |_| here.with(|path| path != "/walk"));
    let walk = use_page().walk;
    move || (walk && elsewhere.get()).then(|| view! { <Panel /> })
}

#[component]
fn Panel() -> impl IntoView {
    let found = RwSignal::new(None::<Walk>);
    let details = NodeRef::<Details>::new();
    let look = move || {
        if !details.get_untracked().is_some_and(|details| details.open()) {
            return;
        }
        spawn_local(async move {
            if let Ok(Some(walk)) = read_walk().await {
                // The page may have been left meanwhile.
                let _ = found.try_set(Some(walk));
            }
        });
    };
    // It may have been opened before the page was alive.
    Effect::new(move |_| look());
    view! {
        <aside class="walk-panel" aria-label="Guided walk">
            <details node_ref=details on:toggle=move |_| look()>
                <summary>
                    <span aria-hidden="true" class="footprint"></span>
                    "Guided walk"
                </summary>
                <div class="walk-panel-body">
                    {move || match found.get() {
                        Some(walk) => view! { <Next walk /> }.into_any(),
                        None => {
                            view! {
                                <p>"Six steps through hybrid tracking, ticked by your own events."</p>
                            }
                            .into_any()
                        }
                    }}
                    <p>
                        <a href="/walk" rel="external">
                            "All six steps"
                        </a>
                    </p>
                </div>
            </details>
        </aside>
    }
}

#[component]
fn Next(walk: Walk) -> impl IntoView {
    let of = walk.steps.len();
    match walk.next() {
        None => view! { <p>"All six steps are done."</p> }.into_any(),
        Some((number, step, stand)) => {
            let (href, label) = place(step, stand);
            view! {
                <p class="quiet">{format!("Step {number} of {of}")}</p>
                <p class="walk-panel-title">{step.title()}</p>
                <p>{step.asks()}</p>
                <p>
                    <a class="button small" href=href>
                        {label}
                    </a>
                </p>
            }
            .into_any()
        }
    }
}
