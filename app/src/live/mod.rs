//! Islands that keep a document current. The server renders the parts of a page that can change, marks them `data-live`,
//! and names a feed; when the feed has news, the island has the script fetch the document again and put the new parts in
//! place of the old ones. So each part is rendered by one piece of code, and hydrating it cannot fail.
//!
//! The refreshed document is a background request: it neither starts nor extends a session.

mod subscription;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

pub(crate) use subscription::subscribe;

use crate::tracking::refresh_live_parts;

/// News that come together cause one refresh.
const TOGETHER: Duration = Duration::from_millis(250);

/// Refreshes the live parts whenever the feed has news. It shows nothing. The first message of a feed brings a page up to date
/// that was rendered before the island subscribed.
#[island]
pub fn Live(
    /// URL of the feed, on this site.
    feed: String,
) -> impl IntoView {
    Effect::new(move |_| {
        let refresh = Refresh::default();
        subscribe(feed.clone(), move |_| refresh.request());
    });
}

/// The same for a list that a user reads: it can be paused. A message `shown` announces an event that the page would show,
/// any other message one that only changes what the page says about the whole.
#[island]
pub fn LiveTail(
    /// URL of the feed, on this site.
    feed: String,
) -> impl IntoView {
    let alive = RwSignal::new(false);
    let paused = RwSignal::new(false);
    let waiting = RwSignal::new(0_usize);
    // Effects run in the browser only: what they own is not made on the server.
    Effect::new(move |_| {
        alive.set(true);
        let refresh = Refresh::default();
        let resumed = refresh.clone();
        Effect::new(move |was_paused: Option<bool>| {
            let is_paused = paused.get();
            if was_paused == Some(true) && !is_paused {
                waiting.set(0);
                resumed.request();
            }
            is_paused
        });
        subscribe(feed.clone(), move |message| {
            if !paused.get_untracked() {
                refresh.request();
            } else if message == "shown" {
                waiting.update(|waiting| *waiting += 1);
            }
        });
    });
    let press = move |_| paused.update(|paused| *paused = !*paused);
    let label = move || match (paused.get(), waiting.get()) {
        (false, _) => "Pause".to_owned(),
        (true, 0) => "Resume".to_owned(),
        (true, 1) => "Show 1 new event".to_owned(),
        (true, waiting) => format!("Show {waiting} new events"),
    };
    view! {
        <button
            type="button"
            class="plain"
            translate="no"
            hidden=move || !alive.get()
            data-paused=move || paused.get().then_some("")
            on:click=press
        >
            {label}
        </button>
    }
}

/// Refreshes the live parts, one refresh at a time.
#[derive(Clone, Default)]
struct Refresh(Rc<RefreshState>);

#[derive(Default)]
struct RefreshState {
    /// A refresh is about to begin, or runs.
    busy: Cell<bool>,
    /// News came while it ran.
    again: Cell<bool>,
}

impl Refresh {
    fn request(&self) {
        if self.0.busy.replace(true) {
            self.0.again.set(true);
            return;
        }
        let this = self.clone();
        set_timeout(
            move || {
                this.0.again.set(false);
                spawn_local(async move {
                    refresh_live_parts().await;
                    this.0.busy.set(false);
                    if this.0.again.take() {
                        this.request();
                    }
                });
            },
            TOGETHER,
        );
    }
}
