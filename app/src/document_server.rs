//! What the document starts with, decided by the request that it answers.

use forms::Faults;
use serde::de::DeserializeOwned;

use crate::forms::FormState;
use crate::page::Page;
use crate::visit;

/// The visitor, as pages may know them.
pub fn page() -> Page {
    visit::current().map(|visit| visit.page()).unwrap_or_default()
}

/// The form as it was sent, when this document answers it; else an empty one.
pub fn form<F: Default + DeserializeOwned>() -> FormState<F> {
    let fresh = backend::ids::random();
    match visit::failed_form() {
        Some(failed) => FormState {
            typed: serde_json::from_value(failed.typed).unwrap_or_default(),
            faults: failed.faults,
            form: failed.form.unwrap_or(fresh),
        },
        None => FormState {
            typed: F::default(),
            faults: Faults::default(),
            form: fresh,
        },
    }
}

pub use crate::security::answer_not_found;
