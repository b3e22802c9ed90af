//! Results as bars, with or without a ballot in front of them. Their places stay while the numbers change.

use leptos::prelude::*;

use super::model::{PollView, Standing, percent};

/// One row for each option.
#[component]
pub fn Bars(
    /// The poll as it stands.
    poll: RwSignal<PollView>,
    /// What is chosen, where votes are cast.
    #[prop(optional)]
    ballot: Option<RwSignal<Option<Vec<u8>>>>,
) -> impl IntoView {
    // An edited poll has other rows: nothing may stay ticked in them.
    let rows = move || {
        poll.with(|poll| {
            (0..poll.options.len())
                .map(|position| (poll.revision, position))
                .collect::<Vec<_>>()
        })
    };
    view! {
        <ol class="bars">
            <For each=rows key=|row| *row let((_, position))>
                <Row poll position ballot />
            </For>
        </ol>
    }
}

#[component]
fn Row(
    poll: RwSignal<PollView>,
    position: usize,
    ballot: Option<RwSignal<Option<Vec<u8>>>>,
) -> impl IntoView {
    let label = Memo::new(move |_| {
        poll.with(|poll| {
            poll.options
                .get(position)
                .map(|option| option.label.clone())
                .unwrap_or_default()
        })
    });
    let votes = Memo::new(move |_| poll.with(|poll| poll.votes(position)));
    let share = Memo::new(move |_| poll.with(|poll| percent(poll.votes(position), poll.voters)));
    let leads = Memo::new(move |_| {
        poll.with(|poll| {
            let most = poll.options.iter().map(|option| option.votes).max().unwrap_or(0);
            most > 0 && poll.votes(position) == most
        })
    });
    let text = view! {
        <span class="label" dir="auto">{move || label.get()}</span>
    };
    let figures = view! {
        <span class="figures">
            <span class="share">{move || format!("{} %", share.get())}</span>
            <span class="votes">
                {move || match votes.get() {
                    1 => "1 vote".to_owned(),
                    votes => format!("{votes} votes"),
                }}
            </span>
        </span>
    };
    let row = match ballot {
        Some(mine) => view! {
            <label class="row">
                <Tick poll position mine />
                {text}
                {figures}
            </label>
        }
        .into_any(),
        None => view! { <div class="row">{text}{figures}</div> }.into_any(),
    };
    view! {
        <li class:leads=move || leads.get()>
            {row}
            <progress max="100" value=move || share.get().to_string() aria-hidden="true"></progress>
        </li>
    }
}

/// The radio button or box in front of an option.
#[component]
fn Tick(poll: RwSignal<PollView>, position: usize, mine: RwSignal<Option<Vec<u8>>>) -> impl IntoView {
    let multiple = Memo::new(move |_| poll.with(|poll| poll.multiple_choice));
    let open = Memo::new(move |_| poll.with(|poll| poll.standing == Standing::Open));
    let chosen = mine.with_untracked(|mine| {
        let place = u8::try_from(position).ok();
        mine.as_ref()
            .is_some_and(|mine| place.is_some_and(|place| mine.contains(&place)))
    });
    view! {
        <input
            type=move || if multiple.get() { "checkbox" } else { "radio" }
            name="choice"
            value=position.to_string()
            checked=chosen
            disabled=move || !open.get()
        />
    }
}

/// How many have voted, and until when others can.
#[component]
pub fn Turnout(
    /// The poll as it stands.
    poll: RwSignal<PollView>,
) -> impl IntoView {
    let voters = Memo::new(move |_| poll.with(|poll| poll.voters));
    let until = Memo::new(move |_| poll.with(|poll| (poll.standing, poll.closes_at)));
    view! {
        <p class="turnout">
            <span class="live">
                {move || match voters.get() {
                    0 => "Nobody has voted yet".to_owned(),
                    1 => "1 person has voted".to_owned(),
                    voters => format!("{voters} people have voted"),
                }}
            </span>
            <span class="quiet">
                {move || match until.get() {
                    (Standing::Open, None) => "Open until its owner closes it".to_owned(),
                    (Standing::Open, Some(at)) => format!("Closes {}", moment(at)),
                    (Standing::ClosedByTime, Some(at)) => format!("Closed {}", moment(at)),
                    (Standing::ClosedByOwner | Standing::ClosedByTime, _) => "Closed: no more votes".to_owned(),
                    (Standing::Deleted, _) => "Deleted".to_owned(),
                }}
            </span>
        </p>
    }
}

/// Where a poll stands, as a badge.
#[component]
pub fn StandingBadge(
    /// Where.
    #[prop(into)]
    standing: Signal<Standing>,
) -> impl IntoView {
    view! {
        <span class="badge standing" data-standing=move || standing.get().word()>
            {move || standing.get().word()}
        </span>
    }
}

/// `2026-11-24, 14:00 UTC`.
pub fn moment(ms: i64) -> String {
    format!("{} UTC", forms::moment_text(ms).replace('T', ", "))
}
