//! The fields of a poll, for a new one and for one that is edited.

use forms::{FieldErrors, MAX_OPTIONS, PollForm};
use leptos::prelude::*;
use tracking::{AccountType, Surface, UpgradeReason};

use super::upgrade::ProFeature;
use crate::forms::TextField;

/// Lines for options that a form shows at first. The others are folded.
const FIRST_LINES: usize = 4;

/// Question, options, and how many may be chosen.
#[component]
pub fn PollFields(
    /// The form's errors.
    errors: FieldErrors,
    /// Its input.
    input: PollForm,
) -> impl IntoView {
    let PollForm {
        question,
        option: options,
        multiple_choice,
        ..
    } = input;
    let used = options.iter().rposition(|option| !option.is_empty());
    let faulty = (0_u8..)
        .take(MAX_OPTIONS)
        .filter(|&position| errors.at(PollForm::option.at(position)).is_some())
        .last();
    let shown = used
        .into_iter()
        .chain(faulty.map(usize::from))
        .max()
        .map_or(FIRST_LINES, |last| FIRST_LINES.max(last + 1));
    let line = move |position: u8| {
        let value = options.get(usize::from(position)).cloned().unwrap_or_default();
        let label = format!("Option {}", position + 1);
        view! { <TextField field=PollForm::option.at(position) label value /> }
    };
    let (first, folded): (Vec<u8>, Vec<u8>) = (0_u8..)
        .take(MAX_OPTIONS)
        .partition(|&position| usize::from(position) < shown);
    let folded = (!folded.is_empty()).then(|| {
        view! {
            <details class="fold poll-more-options">
                <summary>"More options"</summary>
                {folded.into_iter().map(&line).collect_view()}
            </details>
        }
    });
    view! {
        <TextField field=PollForm::question label="Question" value=question />
        <fieldset>
            <legend>"Options"</legend>
            {first.into_iter().map(&line).collect_view()}
            {folded}
        </fieldset>
        <label class="check">
            <input type="checkbox" name=PollForm::multiple_choice.name() value="true" checked=multiple_choice />
            " Voters may choose several"
        </label>
    }
}

/// When the poll closes, which is part of Pro. A time that is there already may stay on Free.
#[component]
pub fn ClosingTime(
    /// Its input.
    value: String,
    /// The writer's plan.
    plan: AccountType,
) -> impl IntoView {
    if plan == AccountType::Free && value.is_empty() {
        view! { <ProFeature label="Closing time" reason=UpgradeReason::ClosingTime surface=Surface::PollForm /> }
            .into_any()
    } else {
        view! {
            <TextField
                field=PollForm::closes_at
                label="Closing time"
                kind="datetime-local"
                value
                hint="Leave it empty and the poll stays open until you close it."
            />
        }
        .into_any()
    }
}
