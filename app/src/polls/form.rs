//! The fields of a poll, for a new one and for one that is edited.

use forms::{Faults, Field, MAX_OPTIONS, PollForm};
use leptos::prelude::*;
use tracking::{AccountType, Surface, UpgradeReason};

use super::upgrade::ProFeature;
use crate::forms::{TextField, Typed};

/// Lines for options that a new form shows; "Add an option" shows more. Without script all of them are there.
const FIRST_LINES: usize = 4;

/// What stands in the form.
pub fn read(typed: &Typed) -> PollForm {
    PollForm {
        question: typed.text("question"),
        options: typed.all("option"),
        multiple_choice: typed.ticked("multiple_choice"),
        closes_at: typed.text("closes_at"),
    }
}

/// Question, options, and how many may be chosen.
#[component]
pub fn PollFields(
    /// The form's faults.
    faults: RwSignal<Faults>,
    /// What stands in it at first.
    typed: PollForm,
) -> impl IntoView {
    let used = typed
        .options
        .iter()
        .rposition(|option| !option.is_empty())
        .map_or(0, |last| last + 1);
    let shown = RwSignal::new(MAX_OPTIONS);
    // Only script can show a hidden line again, so only script hides any.
    Effect::new(move |_| shown.set(used.max(FIRST_LINES)));
    let line = move |position: usize| {
        let value = typed.options.get(position).cloned().unwrap_or_default();
        let field = u8::try_from(position).map_or(Field::Form, Field::Option);
        view! {
            <div hidden=move || shown.get() <= position>
                <TextField
                    field
                    faults
                    name="option"
                    id=format!("option-{position}")
                    label=format!("Option {}", position + 1)
                    value
                />
            </div>
        }
    };
    view! {
        <TextField field=Field::Question faults name="question" label="Question" value=typed.question />
        <fieldset>
            <legend>"Options"</legend>
            {(0..MAX_OPTIONS).map(line).collect_view()}
            <button
                type="button"
                class="plain"
                hidden={move || shown.get() >= MAX_OPTIONS}
                on:click=move |_| shown.update(|shown| *shown += 1)
            >
                "Add an option"
            </button>
        </fieldset>
        <label class="check">
            <input type="checkbox" name="multiple_choice" checked=typed.multiple_choice />
            " Voters may choose several"
        </label>
    }
}

/// When it closes by itself, which is part of Pro. A time that is there already may stay on Free.
#[component]
pub fn ClosingTime(
    /// The form's faults.
    faults: RwSignal<Faults>,
    /// What stands in it at first.
    value: String,
    /// The writer's plan.
    plan: AccountType,
) -> impl IntoView {
    match plan {
        AccountType::Free if value.is_empty() => view! {
            <ProFeature label="Closing time" reason=UpgradeReason::ClosingTime surface=Surface::PollForm />
        }
        .into_any(),
        AccountType::Free | AccountType::Pro => view! {
            <TextField
                field=Field::ClosesAt
                faults
                name="closes_at"
                label="Closing time (UTC)"
                kind="datetime-local"
                value
                hint=Some("Leave it empty and the poll stays open until you close it.")
            />
        }
        .into_any(),
    }
}
