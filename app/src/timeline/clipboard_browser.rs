//! The browser's clipboard.

use leptos::prelude::window;
use leptos::wasm_bindgen::{JsCast, JsValue};

/// Puts the text there. A browser that has none, or refuses, changes nothing.
pub fn copy(text: &str) {
    let get = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &name.into()).unwrap_or_default();
    let clipboard = get(&get(&window(), "navigator"), "clipboard");
    if let Some(write) = get(&clipboard, "writeText").dyn_ref::<js_sys::Function>() {
        // A promise that is refused says so on the console, where it belongs.
        let _promise = write.call1(&clipboard, &text.into());
    }
}

/// The address of this site: a link that is handed on is a whole one.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}
