//! That something was applied, by server-sent events. The browser reconnects by itself.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use send_wrapper::SendWrapper;
use web_sys::{EventSource, MessageEvent};

/// Calls `on_revision` with how much was applied, now and whenever it grows, until the page is left.
pub fn follow(on_revision: impl Fn(i64) + Clone + 'static) {
    Effect::new(move |_| {
        let Ok(source) = EventSource::new("/billing/live") else {
            return;
        };
        let on_revision = on_revision.clone();
        let listener = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            let text = message.data().as_string().unwrap_or_default();
            if let Ok(revision) = text.parse() {
                on_revision(revision);
            }
        });
        source.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        let open = SendWrapper::new((source, listener));
        on_cleanup(move || open.0.close());
    });
}
