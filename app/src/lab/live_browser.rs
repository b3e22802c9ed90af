//! The board as it changes, by server-sent events. The browser reconnects by itself.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use send_wrapper::SendWrapper;
use web_sys::{EventSource, MessageEvent};

use super::board::Board;

/// Calls `on_board` with the board, now and whenever it changes, until the page is left.
pub fn follow(on_board: impl Fn(Board) + Clone + 'static) {
    Effect::new(move |_| {
        let Ok(source) = EventSource::new("/lab/live") else {
            return;
        };
        let on_board = on_board.clone();
        let listener = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            let text = message.data().as_string().unwrap_or_default();
            if let Ok(board) = serde_json::from_str(&text) {
                on_board(board);
            }
        });
        source.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        let open = SendWrapper::new((source, listener));
        on_cleanup(move || open.0.close());
    });
}
