//! Stand-ins for what only a document's request can decide. Hydration reads the server's answers; these run after a
//! navigation within the browser, when there is no new document.

use forms::Faults;
use leptos::prelude::window;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::forms::FormState;
use crate::page::Page;

/// Never needed: the app's root is made once, while hydrating.
pub fn page() -> Page {
    Page::default()
}

/// An empty form, named by the browser.
pub fn form<F: Default + DeserializeOwned>() -> FormState<F> {
    FormState {
        typed: F::default(),
        faults: Faults::default(),
        form: random_id(),
    }
}

/// Nothing to do: the document came with its status.
pub fn answer_not_found() {}

/// Every browser that runs wasm has `crypto`.
fn random_id() -> Uuid {
    let mut bytes = [0_u8; 16];
    let filled = window()
        .crypto()
        .and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
    if filled.is_err() {
        // Then the ID is the same for each form, and a person's second form is taken for their first: visible, harmless.
        leptos::logging::warn!("the browser gave no random bytes");
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
