//! Subscribing to a feed of server-sent events. There is no other way to one.
//!
//! A browser opens six connections to a host over HTTP/1.1, so a hidden page must not hold one: the stream is
//! closed while the document is hidden, and resumes after the last event when it is shown again. A stream that the server
//! ends is opened again by the browser itself.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::document;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent, VisibilityState};

/// Calls `on_message` with the data of each message, for as long as the document lives. `url` is on this site.
pub(crate) fn subscribe(url: String, on_message: impl Fn(String) + 'static) {
    let last_id = Rc::new(RefCell::new(String::new()));
    let listener = {
        let last_id = Rc::clone(&last_id);
        Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            last_id.replace(message.last_event_id());
            on_message(message.data().as_string().unwrap_or_default());
        })
    };
    let subscription = Subscription {
        url,
        last_id,
        source: RefCell::new(None),
        listener,
    };
    subscription.follow_visibility();
    let changed = Closure::<dyn Fn()>::new(move || subscription.follow_visibility());
    // It fails only for a listener that is no function.
    let _ = document().add_event_listener_with_callback("visibilitychange", changed.as_ref().unchecked_ref());
    // Islands are not taken down before their document.
    changed.forget();
}

struct Subscription {
    url: String,
    /// ID of the last message; empty before the first.
    last_id: Rc<RefCell<String>>,
    /// The stream, while it is open.
    source: RefCell<Option<EventSource>>,
    listener: Closure<dyn Fn(MessageEvent)>,
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
        source.set_onmessage(Some(self.listener.as_ref().unchecked_ref()));
        Some(source)
    }
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
    use super::resumed;

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
