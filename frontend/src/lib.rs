//! The wasm entry: hydrate and nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the document's module script. Marks `<html>` when it is done: from then on scripts, and tests, may click.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
    let root = leptos::prelude::document().document_element();
    if let Some(root) = root {
        // It fails only for a malformed name.
        let _ = root.set_attribute("data-hydrated", "");
    }
}
