//! Events as they arrive, by server-sent events. The browser reconnects by itself.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use send_wrapper::SendWrapper;
use serde_json::Value;
use web_sys::{EventSource, MessageEvent};

/// Calls `on_event` with each exported event of the person, until the page is left or another person is asked for.
pub fn follow(find: Option<String>, on_event: impl Fn(Value) + Clone + 'static) {
    Effect::new(move |_| {
        let path = match &find {
            Some(find) => format!("/timeline/live?find={}", js_sys::encode_uri_component(find)),
            None => "/timeline/live".to_owned(),
        };
        let Ok(source) = EventSource::new(&path) else {
            return;
        };
        let on_event = on_event.clone();
        let listener = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            let text = message.data().as_string().unwrap_or_default();
            if let Ok(event) = serde_json::from_str(&text) {
                on_event(event);
            }
        });
        source.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        let open = SendWrapper::new((source, listener));
        on_cleanup(move || open.0.close());
    });
}
