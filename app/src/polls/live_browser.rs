//! Results as they change, by server-sent events. The browser reconnects by itself.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use send_wrapper::SendWrapper;
use uuid::Uuid;
use web_sys::{EventSource, MessageEvent};

use super::model::PollView;

/// Keeps `poll` as it stands until the page is left.
pub fn follow(id: Uuid, poll: RwSignal<PollView>) {
    Effect::new(move |_| {
        let Ok(source) = EventSource::new(&format!("/p/{id}/live")) else {
            return;
        };
        let listener = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            let text = message.data().as_string().unwrap_or_default();
            if let Ok(view) = serde_json::from_str::<PollView>(&text) {
                // What has not changed is not drawn again.
                poll.maybe_update(|known| {
                    let changed = *known != view;
                    *known = view;
                    changed
                });
            }
        });
        source.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        let open = SendWrapper::new((source, listener));
        on_cleanup(move || open.0.close());
    });
}
