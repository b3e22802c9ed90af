//! E-mail and password, as both forms ask for them.

use forms::{Faults, Field};
use leptos::prelude::*;

use crate::forms::{FormFault, TextField};

/// The two fields, and above them what is wrong with the form as a whole.
#[component]
pub fn Credentials(
    /// The form's faults.
    faults: RwSignal<Faults>,
    /// What stands in the address field at first. A password is never shown again.
    email: String,
    /// `autocomplete` of the password: tells password managers whether to offer one or to make one.
    password: &'static str,
    /// Said below the password.
    #[prop(optional)]
    hint: Option<&'static str>,
) -> impl IntoView {
    view! {
        <FormFault faults />
        <TextField field=Field::Email faults name="email" label="E-mail" kind="email" value=email autocomplete="email" />
        <TextField
            field=Field::Password
            faults
            name="password"
            label="Password"
            kind="password"
            value=""
            autocomplete=password
            hint
        />
    }
}
