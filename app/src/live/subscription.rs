//! Subscribing to a feed of server-sent events. Every island with a feed uses it.
//!
//! A browser opens six connections to a host over HTTP/1.1, so a hidden page must not hold one: the stream is
//! closed while the document is hidden, and resumes after the last event when it is shown again. After the end of a stream
//! the browser opens it again. After a refusal (too many feeds, a restart behind a proxy) the browser does not, so this
//! module does, with growing pauses.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use leptos::prelude::{document, set_timeout};
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent, VisibilityState};

/// The pause after the first refusal; each further one doubles it.
const FIRST_PAUSE_SECS: f64 = 10.0;
/// The longest pause.
const LONGEST_PAUSE_SECS: f64 = 300.0;

/// Calls `on_message` with the data of each message, for as long as the document exists. `url` is on this site.
pub(crate) fn subscribe(url: String, on_message: impl Fn(String) + 'static) {
    let subscription = Rc::new_cyclic(|subscription: &Weak<Subscription>| {
        let (receiving, failing) = (subscription.clone(), subscription.clone());
        Subscription {
            url,
            last_id: RefCell::default(),
            source: RefCell::default(),
            refusals: Cell::default(),
            on_message: Closure::new(move |message: MessageEvent| {
                if let Some(subscription) = receiving.upgrade() {
                    subscription.last_id.replace(message.last_event_id());
                    subscription.refusals.set(0);
                }
                on_message(message.data().as_string().unwrap_or_default());
            }),
            on_error: Closure::new(move || {
                if let Some(subscription) = failing.upgrade() {
                    subscription.reopen_after_refusal();
                }
            }),
        }
    });
    subscription.follow_visibility();
    let changed = Closure::<dyn Fn()>::new(move || subscription.follow_visibility());
    // It fails only for a listener that is no function.
    let _ = document().add_event_listener_with_callback("visibilitychange", changed.as_ref().unchecked_ref());
    // Islands are not removed before their document.
    changed.forget();
}

struct Subscription {
    url: String,
    /// ID of the last message; empty before the first.
    last_id: RefCell<String>,
    /// The stream; `None` while the document is hidden.
    source: RefCell<Option<EventSource>>,
    /// Refusals since the last message.
    refusals: Cell<u32>,
    on_message: Closure<dyn Fn(MessageEvent)>,
    on_error: Closure<dyn Fn()>,
}

impl Subscription {
    fn follow_visibility(&self) {
        let mut source = self.source.borrow_mut();
        if document().visibility_state() == VisibilityState::Hidden {
            if let Some(open) = source.take() {
                open.close();
            }
        } else if source.is_none() {
            *source = self.open();
        }
    }

    fn open(&self) -> Option<EventSource> {
        let source = EventSource::new(&resumed(&self.url, &self.last_id.borrow())).ok()?;
        source.set_onmessage(Some(self.on_message.as_ref().unchecked_ref()));
        source.set_onerror(Some(self.on_error.as_ref().unchecked_ref()));
        Some(source)
    }

    /// Opens the stream again after a pause, if the browser will not.
    fn reopen_after_refusal(self: Rc<Self>) {
        if !self.is_refused() {
            return;
        }
        let refusals = self.refusals.get();
        self.refusals.set(refusals.saturating_add(1));
        let pause = pause(refusals, js_sys::Math::random());
        set_timeout(
            move || {
                // Else the document was hidden in between, which has closed the stream.
                if self.is_refused() {
                    self.source.take();
                    self.follow_visibility();
                }
            },
            pause,
        );
    }

    fn is_refused(&self) -> bool {
        let source = self.source.borrow();
        source
            .as_ref()
            .is_some_and(|source| source.ready_state() == EventSource::CLOSED)
    }
}

/// The pause after so many refusals before. `random` is from 0 to 1: it keeps pages from all trying at the same time.
fn pause(refusals: u32, random: f64) -> Duration {
    let exponent = i32::try_from(refusals.min(30)).unwrap_or(30);
    let longest = (FIRST_PAUSE_SECS * 2_f64.powi(exponent)).min(LONGEST_PAUSE_SECS);
    Duration::from_secs_f64(longest * (0.5 + random / 2.0))
}

/// The feed's URL, to begin after the message of that ID. IDs are letters, digits, dots and hyphens.
fn resumed(url: &str, last_id: &str) -> String {
    if last_id.is_empty() {
        return url.to_owned();
    }
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let kept = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let after = format!("after={last_id}");
    let pairs: Vec<&str> = kept.chain([after.as_str()]).collect();
    format!("{path}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::{pause, resumed};

    #[test]
    fn pauses_grow_up_to_five_minutes() {
        for (refusals, random, secs) in [
            (0, 1.0, 10.0),
            (0, 0.0, 5.0),
            (1, 1.0, 20.0),
            (4, 1.0, 160.0),
            (5, 1.0, 300.0),
            (u32::MAX, 0.0, 150.0),
        ] {
            assert_eq!(pause(refusals, random).as_secs_f64(), secs, "{refusals} {random}");
        }
    }

    #[test]
    fn a_feed_resumes_after_the_last_message() {
        for (url, last_id, expected) in [
            ("/p/1/live", "", "/p/1/live"),
            ("/p/1/live", "7", "/p/1/live?after=7"),
            ("/billing/live?after=3", "7", "/billing/live?after=7"),
            (
                "/timeline/live?find=a%26b&after=3",
                "9",
                "/timeline/live?find=a%26b&after=9",
            ),
        ] {
            assert_eq!(resumed(url, last_id), expected);
        }
    }
}
