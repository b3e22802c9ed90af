//! Taking results along, as a file. Without script it is a form whose answer is the file.

use forms::Faults;
use leptos::prelude::*;
use tracking::{AccountType, Surface, UpgradeReason};
use uuid::Uuid;

use super::api;
use super::device;
use super::model::ExportFile;
use super::upgrade::ProFeature;
use crate::forms::{FormFault, Typed, use_submit_and_stay};
use crate::tracking::track;

/// The button, or what Pro would have.
#[component]
pub fn Export(
    /// The poll.
    poll: Uuid,
    /// The owner's plan.
    plan: AccountType,
) -> impl IntoView {
    let submit = use_submit_and_stay(
        Faults::default(),
        |typed: &Typed| typed.text("poll"),
        |_| Ok(()),
        api::export_poll,
        |file: ExportFile| {
            track(file.told.event, Some(&file.told.insert_id));
            device::save(&file.name, &file.csv);
            std::future::ready(())
        },
    );
    match plan {
        AccountType::Free => view! {
            <ProFeature
                label="Export results as CSV"
                reason=UpgradeReason::Export
                surface=Surface::PollResults
            />
        }
        .into_any(),
        AccountType::Pro => view! {
            <form class="poll-action" method="post" novalidate on:submit=move |event| submit.send(event)>
                <input type="hidden" name="poll" value=poll.to_string() />
                <input type="hidden" name="action" value="export" />
                <FormFault faults=submit.faults />
                <button type="submit" class="secondary" disabled=submit.pending>
                    "Export results as CSV"
                </button>
            </form>
        }
        .into_any(),
    }
}
