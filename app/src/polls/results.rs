//! The results of a poll: its options with their figures, with or without inputs.

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
                <span class="poll-choice">
                    <span class="poll-label" dir="auto">{label}</span>
                </span>
                <Figures position />
            </li>
        }
    };
    view! { <ol class="poll-bars">{labels(poll).map(row).collect_view()}</ol> }
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
                <label class="poll-choice">
                    <input type=kind name=VoteForm::choice.name() value=position.to_string() checked=checked disabled=closed />
                    <span class="poll-label" dir="auto">{label}</span>
                </label>
                <Figures position />
            </li>
        }
    };
    view! { <ol class="poll-bars">{labels(poll).map(row).collect_view()}</ol> }
}

fn labels(poll: PollView) -> impl Iterator<Item = (usize, String)> {
    poll.options.into_iter().map(|option| option.label).enumerate()
}

/// The status of a poll as a badge.
#[component]
pub fn StatusBadge(
    /// The status.
    status: PollStatus,
) -> impl IntoView {
    view! {
        <span class="badge poll-status" data-status=status.word()>
            {status.word()}
        </span>
    }
}
