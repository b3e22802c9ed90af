//! The campaigns page: sign-ups, trials, conversions, revenue and refunds by first and last touch, and by what Amplitude's SDK
//! alone reported.

use backend::attribution::{CampaignReport, CampaignRow};
use leptos::prelude::*;
use tracking::Money;

use super::parts::{OperatorPage, UnreadableCard};
use crate::document::document;

const TITLE: &str = "Revenue by campaign";

/// Revenue by campaign. It answers 404 to visitors who are not operators.
#[component]
pub fn CampaignsPage() -> impl IntoView {
    view! {
        <OperatorPage title="Campaigns">
            {document(|context| async move {
                match context.backend.operations.campaigns().await {
                    Ok(report) => view! { <Report report /> }.into_any(),
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "cannot read the campaigns");
                        let reason = "The campaigns cannot be read right now.".to_owned();
                        view! { <UnreadableCard id="campaigns" title=TITLE reason /> }.into_any()
                    }
                }
            })}
        </OperatorPage>
    }
}

#[component]
fn Report(report: CampaignReport) -> impl IntoView {
    let CampaignReport { first, last, sdk } = report;
    let missing = not_attributed(&sdk) - not_attributed(&first);
    let loss = match missing {
        ..=0 => "The SDK has reported every sign-up that the server can attribute.".to_owned(),
        1 => "1 sign-up that the server can attribute is missing here.".to_owned(),
        missing => format!("{missing} sign-ups that the server can attribute are missing here."),
    };
    view! {
        <div class="stack">
            <CampaignCard
                id="first-touch"
                title="By first touch"
                note="Where the account came from first, as the server recorded it: also without script, and with the SDK blocked.".to_owned()
                rows=first
            />
            <CampaignCard
                id="last-touch"
                title="By last touch"
                note="The touch of the session in which the account signed up or ordered.".to_owned()
                rows=last
            />
            <CampaignCard
                id="sdk-touch"
                title="By first touch, as the SDK alone reported it"
                note=format!("The same accounts and payments, by what Amplitude received from the SDK. {loss}")
                rows=sdk
            />
        </div>
    }
}

fn not_attributed(rows: &[CampaignRow]) -> i64 {
    let rows = rows.iter().filter(|row| row.campaign.is_none());
    rows.map(|row| row.sign_ups).sum()
}

#[component]
fn CampaignCard(
    id: &'static str,
    title: &'static str,
    note: String,
    rows: Vec<CampaignRow>,
) -> impl IntoView {
    let is_empty = rows.is_empty();
    let rows = rows.into_iter().map(|row| view! { <Row row /> }).collect_view();
    view! {
        <section class="card operations-card campaigns reconciliation" aria-labelledby=id data-touch=id>
            <header>
                <h2 id=id>{title}</h2>
            </header>
            <p class="quiet">{note}</p>
            {if is_empty {
                view! { <p class="quiet">"There are no accounts yet."</p> }.into_any()
            } else {
                view! {
                    <div class="campaigns-table" role="group" aria-labelledby=id tabindex="0">
                        <table>
                            <thead>
                                <tr>
                                    <th scope="col">"Campaign"</th>
                                    <th scope="col">"Sign-ups"</th>
                                    <th scope="col">"Trials"</th>
                                    <th scope="col">"Conversions"</th>
                                    <th scope="col">"Revenue"</th>
                                    <th scope="col">"Refunds"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
                    .into_any()
            }}
        </section>
    }
}

#[component]
fn Row(row: CampaignRow) -> impl IntoView {
    let campaign = row.campaign.unwrap_or_else(|| "Not recorded".to_owned());
    let name = campaign.clone();
    view! {
        <tr data-campaign=name>
            <th scope="row" dir="auto">{campaign}</th>
            <td>{row.sign_ups}</td>
            <td>{row.trials}</td>
            <td>{row.conversions}</td>
            <td>{amounts(&row.revenue)}</td>
            <td>{amounts(&row.refunds)}</td>
        </tr>
    }
}

/// One amount for each currency.
fn amounts(sums: &[Money]) -> String {
    let texts: Vec<String> = sums.iter().map(ToString::to_string).collect();
    match texts.is_empty() {
        true => "none".to_owned(),
        false => texts.join(", "),
    }
}
