//! The page: one table.

use leptos::prelude::*;
use leptos_meta::Title;

use super::Compared;
use crate::operations::api::read_sessions;
use crate::operations::parts::{Operators, Unreadable};
use crate::timeline::ComparisonTable;

/// Session charts over the newest people. To anybody but an operator there is no such page.
#[component]
pub fn SessionsPage() -> impl IntoView {
    view! {
        <Operators>
            <Title text="Sessions · Seamline" />
            <Read />
        </Operators>
    }
}

#[component]
fn Read() -> impl IntoView {
    let found = Resource::new_blocking(|| (), |()| read_sessions());
    view! {
        <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Reading people's stories…"</p> }>
            {move || Suspend::new(async move {
                match found.await {
                    Ok(Ok(compared)) => view! { <ComparedCard compared /> }.into_any(),
                    Ok(Err(why)) => view! { <Unreadable id="worth" title=TITLE why /> }.into_any(),
                    Err(_) => {
                        view! {
                            <p class="fault banner" role="alert">
                                "Sessions cannot be read right now. Please load the page again."
                            </p>
                        }
                        .into_any()
                    }
                }
            })}
        </Suspense>
    }
}

const TITLE: &str = "What the stitching is worth";

#[component]
fn ComparedCard(compared: Compared) -> impl IntoView {
    let Compared { people, comparison } = compared;
    let whose = match people {
        0 => "Nobody has signed up yet.".to_owned(),
        1 => "Session charts of one person's newest events".to_owned(),
        people => {
            format!("Session charts of {people} people's newest events (whoever had a server event last)")
        }
    };
    view! {
        <section class="card operations-card comparison" aria-labelledby="worth">
            <header>
                <h2 id="worth">{TITLE}</h2>
            </header>
            {if people == 0 {
                view! { <p class="quiet">{whose}</p> }.into_any()
            } else {
                view! {
                    <p class="quiet">
                        {whose}
                        ", beside the same events if the server sent a user ID and nothing else."
                    </p>
                    <ComparisonTable comparison />
                }
                .into_any()
            }}
        </section>
    }
}
