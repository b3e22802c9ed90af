//! A form, its fields with label, hint and error, and its button.

use forms::{Field, FieldErrors};
use leptos::prelude::*;

/// Errors of the form around a field.
#[derive(Clone, Default)]
struct Errors(FieldErrors);

/// A form that posts to its own page. Its fields find their errors by their names.
#[component]
pub fn Form(
    /// What is wrong with what was sent.
    errors: FieldErrors,
    /// The fields.
    children: Children,
) -> impl IntoView {
    provide_context(Errors(errors.clone()));
    view! {
        <form method="post" novalidate>
            <FormErrors errors />
            {children()}
        </form>
    }
}

/// What is wrong with a form as a whole. It takes the focus when the document loads, so that screen readers read it.
#[component]
pub fn FormErrors(
    /// The form's errors.
    errors: FieldErrors,
) -> impl IntoView {
    errors.at(Field::FORM).map(ToString::to_string).map(|text| {
        view! {
            <p class="error banner" role="alert" tabindex="-1" autofocus>
                {text}
            </p>
        }
    })
}

/// The button that sends the form.
#[component]
pub fn Submit(
    /// What it says.
    #[prop(into)]
    label: String,
    /// What it says while the form is on its way.
    pending: &'static str,
    /// Its class.
    #[prop(optional, into)]
    class: Option<String>,
) -> impl IntoView {
    view! {
        <button type="submit" class=class data-pending=pending>
            {label}
        </button>
    }
}

/// A one-line input. The first field with an error takes the focus when the document loads. A time is entered in UTC, and
/// with the script in the user's time zone.
#[component]
pub fn TextField(
    /// Which field.
    field: Field,
    /// What the user reads.
    #[prop(into)]
    label: String,
    /// `type`.
    #[prop(default = "text")]
    kind: &'static str,
    /// Its value. A password has none: it is never shown again.
    #[prop(optional, into)]
    value: String,
    /// `autocomplete`.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Said below the field.
    #[prop(optional, into)]
    hint: Option<&'static str>,
) -> impl IntoView {
    let Errors(errors) = use_context().unwrap_or_default();
    let id = field.id();
    let error = errors.at(field).map(ToString::to_string);
    let faulty = error.is_some();
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let described = [faulty.then(|| error_id.clone()), hint.map(|_| hint_id.clone())];
    let described: Vec<String> = described.into_iter().flatten().collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    let zone = (kind == "datetime-local").then(|| view! { " (" <span data-zone>"UTC"</span> ")" });
    view! {
        <div class="field">
            <label for=id.clone()>{label} {zone}</label>
            <input
                id=id
                name=field.name()
                type=kind
                value=value
                autocomplete=autocomplete
                aria-invalid=faulty.then_some("true")
                aria-describedby=described
                autofocus=errors.first_field() == Some(field)
            />
            {error.map(|text| view! { <p class="error" id=error_id>{text}</p> })}
            {hint.map(|text| view! { <p class="quiet" id=hint_id>{text}</p> })}
        </div>
    }
}
