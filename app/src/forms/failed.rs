//! A form that is shown again, and what a server function answers to one.

use forms::Faults;
use leptos::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::document;

/// A form post that had faults, for the page that answers it. Holds what was typed, but never a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedForm {
    /// What was typed, as the form's type serialises.
    pub typed: Value,
    /// What is wrong with it.
    pub faults: Faults,
    /// The form's own ID, kept: mended and sent again it is still the same form.
    pub form: Option<Uuid>,
}

/// What a server function answers to a form. Faults are no error of the call: it arrived, and this is the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer<T> {
    /// Done.
    Done(T),
    /// Nothing was changed; the faults belong at the fields.
    Faults(Faults),
}

impl<T> From<Result<T, Faults>> for Answer<T> {
    fn from(result: Result<T, Faults>) -> Self {
        match result {
            Ok(done) => Self::Done(done),
            Err(faults) => Self::Faults(faults),
        }
    }
}

/// How a form starts: empty, or as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormState<F> {
    /// What stands in the fields.
    pub typed: F,
    /// What stands at them.
    pub faults: Faults,
    /// Names this form: sent twice, it does its work once.
    pub form: Uuid,
}

/// The form's start: decided on the server, read from the document in the browser.
pub fn form_state<F>() -> FormState<F>
where
    F: Default + Clone + Serialize + DeserializeOwned + 'static,
{
    SharedValue::new(document::form::<F>).into_inner()
}
