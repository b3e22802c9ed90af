//! The rows of a poll: its options with their figures, with or without inputs in front of them.

use forms::VoteForm;
use leptos::prelude::*;

use super::islands::Figures;
use super::model::{PollStatus, PollView};

/// One row for each option, without inputs.
#[component]
pub fn Results(
    /// The poll.
    poll: PollView,
) -> impl IntoView {
    let row = |(position, label): (usize, String)| {
        view! {
            <li>
                <span class="row">
                    <span class="label" dir="auto">{label}</span>
                </span>
                <Figures position />
            </li>
        }
    };
    view! { <ol class="bars">{labels(poll).map(row).collect_view()}</ol> }
}

/// One row for each option, with a radio button or a box in front of it.
#[component]
pub fn Choices(
    /// The poll.
    poll: PollView,
    /// Positions of the options that are marked.
    marked: Vec<u8>,
) -> impl IntoView {
    let kind = if poll.multiple_choice { "checkbox" } else { "radio" };
    let closed = poll.status != PollStatus::Open;
    let row = move |(position, label): (usize, String)| {
        let checked = marked.iter().any(|&marked| usize::from(marked) == position);
        view! {
            <li>
                <label class="row">
                    <input type=kind name=VoteForm::choice.name() value=position.to_string() checked=checked disabled=closed />
                    <span class="label" dir="auto">{label}</span>
                </label>
                <Figures position />
            </li>
        }
    };
    view! { <ol class="bars">{labels(poll).map(row).collect_view()}</ol> }
}

fn labels(poll: PollView) -> impl Iterator<Item = (usize, String)> {
    poll.options.into_iter().map(|option| option.label).enumerate()
}

/// Open, closed or deleted, as a badge.
#[component]
pub fn StatusBadge(
    /// Which.
    status: PollStatus,
) -> impl IntoView {
    view! {
        <span class="badge standing" data-standing=status.word()>
            {status.word()}
        </span>
    }
}
