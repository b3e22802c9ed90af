//! The walk's panel at the edge of every page. When it is opened for the first time, the script loads the next step from
//! the walk's page. Without script it has a link to that page.

use leptos::prelude::*;

use crate::document::path;
use crate::page::use_page;

/// The panel, in local mode. The walk's own page has none.
#[component]
pub fn WalkPanel() -> impl IntoView {
    let on_walk = path() == "/walk";
    (use_page().walk && !on_walk).then(|| {
        view! {
            <aside class="walk-panel" aria-label="Guided walk">
                <details id="walk-panel">
                    <summary class="chevron">
                        <span aria-hidden="true" class="walk-panel-icon"></span>
                        "Guided walk"
                    </summary>
                    <div class="walk-panel-body">
                        <p>"Six steps through hybrid tracking. Your own events complete them."</p>
                        <p class="details">
                            <a href="/walk" data-load="#walk-next">
                                "All six steps"
                            </a>
                        </p>
                    </div>
                </details>
            </aside>
        }
    })
}
