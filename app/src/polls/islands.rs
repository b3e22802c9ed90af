//! Live results. [`LivePoll`] follows a poll's feed; the islands inside of it show the newest state. The HTML around them is not
//! hydrated: inputs, labels and forms work without an island.
//!
//! A poll that its owner edits has other options than the document shows. Then [`PollChangedNotice`] asks for a reload.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::model::{PollStatus, PollView, percent};
use crate::live::subscribe;
use crate::local_time::TimeFormat;
use crate::tracking::refresh_live_parts;

/// The newest state of the poll. Context of the islands in a [`LivePoll`].
#[derive(Clone, Copy)]
pub(super) struct CurrentPoll(pub(super) RwSignal<PollView>);

/// The poll of the [`LivePoll`] around this island.
pub(super) fn current_poll() -> RwSignal<PollView> {
    let CurrentPoll(poll) = expect_context();
    poll
}

/// Follows the poll while the page is visible.
#[island]
pub fn LivePoll(
    /// As the document shows it.
    poll: PollView,
    /// What shows it.
    children: Children,
) -> impl IntoView {
    let feed = format!("/p/{}/live", poll.id);
    let poll = RwSignal::new(poll);
    provide_context(CurrentPoll(poll));
    Effect::new(move |_| {
        subscribe(feed.clone(), move |text| {
            if let Ok(view) = serde_json::from_str::<PollView>(&text) {
                update(poll, view);
            }
        });
    });
    children()
}

/// Applies a message of the feed. The actions of an owner depend on the status and on whether there are votes: that part of the page
/// is fetched again.
fn update(poll: RwSignal<PollView>, view: PollView) {
    let known = poll.get_untracked();
    // A server looks into the database once a second, so its feed may be behind the document.
    if view.changes < known.changes || known == view {
        return;
    }
    if known.status != view.status || (known.voters == 0) != (view.voters == 0) {
        spawn_local(refresh_live_parts());
    }
    poll.set(view);
}

/// Share and number of votes of an option, and its bar.
#[island]
pub fn Figures(
    /// Which option, from 0.
    position: usize,
) -> impl IntoView {
    let poll = current_poll();
    let votes = Memo::new(move |_| poll.with(|poll| poll.votes(position)));
    let share = Memo::new(move |_| poll.with(|poll| percent(poll.votes(position), poll.voters)));
    let leads = Memo::new(move |_| {
        poll.with(|poll| {
            let most = poll.options.iter().map(|option| option.votes).max().unwrap_or(0);
            most > 0 && poll.votes(position) == most
        })
    });
    view! {
        <span class="poll-figures" class:poll-leads=move || leads.get() translate="no">
            <span class="poll-share">{move || format!("{} %", share.get())}</span>
            <span class="poll-votes">{move || counted(votes.get(), "vote")}</span>
        </span>
        <progress max="100" value=move || share.get().to_string() aria-hidden="true"></progress>
    }
}

/// `1 vote`, `2 votes`.
fn counted(count: u32, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}

/// How many have voted, and until when others can.
#[island]
pub fn Turnout() -> impl IntoView {
    let poll = current_poll();
    let voters = Memo::new(move |_| poll.with(|poll| poll.voters));
    let status = Memo::new(move |_| poll.with(|poll| poll.status));
    let closes = Memo::new(move |_| poll.with(|poll| poll.closes.clone()));
    let has_time = move || {
        matches!(status.get(), PollStatus::Open | PollStatus::ClosedByTime) && closes.with(Option::is_some)
    };
    view! {
        <p class="poll-turnout" translate="no">
            <span class="live">
                {move || match voters.get() {
                    0 => "No votes yet".to_owned(),
                    1 => "1 person has voted".to_owned(),
                    voters => format!("{voters} people have voted"),
                }}
            </span>
            <span class="quiet">
                {move || match (status.get(), has_time()) {
                    (PollStatus::Open, false) => "Open until its owner closes it",
                    (PollStatus::Open, true) => "Closes ",
                    (PollStatus::ClosedByTime, true) => "Closed ",
                    (PollStatus::ClosedByOwner | PollStatus::ClosedByTime, _) => "Closed: no more votes",
                    (PollStatus::Deleted, _) => "Deleted",
                }}
                <time
                    datetime=move || closes.get().map(|time| time.instant)
                    data-local=TimeFormat::Minute.as_str()
                    hidden=move || !has_time()
                >
                    {move || closes.get().map(|time| time.text)}
                </time>
            </span>
        </p>
    }
}

/// Open, closed or deleted, as it changes.
#[island]
pub fn LiveStatus() -> impl IntoView {
    let poll = current_poll();
    let word = Memo::new(move |_| poll.with(|poll| poll.status.word()));
    view! {
        <span class="badge poll-status" data-status=move || word.get() translate="no">
            {move || word.get()}
        </span>
    }
}

/// Asks for a reload once the poll is another than the document shows.
#[island]
pub fn PollChangedNotice() -> impl IntoView {
    let poll = current_poll();
    let shown = poll.with_untracked(|poll| poll.revision);
    let changed = Memo::new(move |_| poll.with(|poll| poll.revision != shown));
    view! {
        <p class="banner" role="status" translate="no" hidden=move || !changed.get()>
            "This poll was changed while you looked at it. " <a href="">"Load it again"</a> "."
        </p>
    }
}
