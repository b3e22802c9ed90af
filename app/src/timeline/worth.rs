//! What the stitching is worth: session charts with it and without, whose anonymous history it tied to the person, and
//! whether revenue is what Stripe says.

use leptos::prelude::*;
use tracking::Money;
use tracking::proof::Joined;
use tracking::reconcile::{Line, Total};

use super::comparison::ComparisonTable;
use super::links;
use super::story::Shown;

/// Session charts, as they are and as they would be.
#[component]
pub(super) fn WorthView(shown: Shown) -> impl IntoView {
    move || {
        let judged = shown.judgement.get().filter(|judged| judged.verdict.events > 0)?;
        Some(view! {
            <section class="card comparison" aria-label="What the stitching is worth">
                <h2>"What the stitching is worth"</h2>
                <p class="quiet">
                    "This story in session charts, beside the same events if the server sent a user ID and nothing else."
                </p>
                <ComparisonTable comparison=judged.comparison />
            </section>
        })
    }
}

/// Which browsers' anonymous events became this person's.
#[component]
pub(super) fn JoinedView(shown: Shown) -> impl IntoView {
    move || {
        let joined = shown
            .judgement
            .get()
            .map(|judged| judged.joined)
            .unwrap_or_default();
        (!joined.is_empty()).then(|| {
            let rows = joined.into_iter().map(|joined| view! { <JoinedRow joined shown /> });
            view! {
                <section class="card" aria-label="Before anybody was known">
                    <h2>"Before anybody was known"</h2>
                    <p class="quiet">"Anonymous events of a browser become the person's with the first event that names the user."</p>
                    <ol class="joined">{rows.collect_view()}</ol>
                </section>
            }
        })
    }
}

#[component]
fn JoinedRow(joined: Joined, shown: Shown) -> impl IntoView {
    let href = shown
        .asked
        .with_value(|asked| links::event(asked.find.as_deref(), &joined.by.uuid));
    let count = match joined.anonymous {
        1 => "1 anonymous event".to_owned(),
        count => format!("{count} anonymous events"),
    };
    view! {
        <li>
            <span class="browser"><span class="badge">{count}</span></span>
            <span class="id device">{joined.device}</span>
            <svg class="merge" viewBox="0 0 48 24" width="48" height="24" aria-hidden="true">
                <path class="browser" d="M0 6h10c14 0 14 6 28 6h10" />
                <path class="server" d="M0 18h10c14 0 14-6 28-6h10" />
            </svg>
            <a href=href rel="external">{joined.by.name}</a>
        </li>
    }
}

/// Revenue events against Stripe's ledger, payment by payment.
#[component]
pub(super) fn BooksView(shown: Shown) -> impl IntoView {
    move || {
        let books = shown.judgement.get().map(|judged| judged.books)?;
        let lines: Vec<Line> = books
            .customers
            .iter()
            .flat_map(|customer| customer.lines.clone())
            .collect();
        (!lines.is_empty()).then(|| {
            let lines = lines.into_iter().map(|line| view! { <LineView line shown /> });
            let totals = books.totals.into_iter().map(|total| view! { <TotalView total /> });
            view! {
                <section class="card books" aria-label="Revenue and ledger">
                    <h2>"Revenue and ledger"</h2>
                    <p class="quiet">"What Stripe has collected and given back, and what the revenue events say."</p>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">"Payment"</th>
                                <th scope="col">"Stripe"</th>
                                <th scope="col">"Events"</th>
                            </tr>
                        </thead>
                        <tbody>{lines.collect_view()}</tbody>
                        <tfoot>{totals.collect_view()}</tfoot>
                    </table>
                </section>
            }
        })
    }
}

#[component]
fn LineView(line: Line, shown: Shown) -> impl IntoView {
    let amount = |money: Option<Money>| money.map_or_else(|| "none".to_owned(), |money| money.to_string());
    let class = match &line.difference {
        None => "",
        Some(difference) if difference.is_explained() => "explained",
        Some(_) => "broken",
    };
    let why = line.difference.as_ref().map(|difference| {
        view! { <tr class=class><td colspan="3" class="why">{difference.in_words()}</td></tr> }
    });
    let entry = match &line.event {
        Some(uuid) => {
            let href = shown
                .asked
                .with_value(|asked| links::event(asked.find.as_deref(), uuid));
            view! { <a href=href rel="external">{line.entry.to_string()}</a> }.into_any()
        }
        None => view! { {line.entry.to_string()} }.into_any(),
    };
    view! {
        <tr class=class>
            <th scope="row">{entry}</th>
            <td>{amount(line.ledger)}</td>
            <td>{amount(line.told)}</td>
        </tr>
        {why}
    }
}

#[component]
fn TotalView(total: Total) -> impl IntoView {
    let amount = |minor: i64| Money::new(minor, total.currency).to_string();
    view! {
        <tr>
            <th scope="row">{format!("All {}", total.currency.iso_code())}</th>
            <td>{amount(total.ledger)}</td>
            <td>{amount(total.told)}</td>
        </tr>
    }
}
