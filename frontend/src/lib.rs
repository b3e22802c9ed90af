//! The wasm entry: hydrate the islands and nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

// Its islands are exports of this module.
use app as _;

/// Called by `public/seam.js` before it starts the islands of a document.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
