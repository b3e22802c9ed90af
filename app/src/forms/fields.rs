//! A field with its label, hint and fault, wired for screen readers.

use forms::{Faults, Field};
use leptos::prelude::*;

/// A one-line input.
#[component]
pub fn TextField(
    /// Where faults of this field are found.
    field: Field,
    /// The form's faults.
    faults: RwSignal<Faults>,
    /// `name`.
    name: &'static str,
    /// `id`, where several fields share a name.
    #[prop(optional, into)]
    id: Option<String>,
    /// What the person reads.
    #[prop(into)]
    label: String,
    /// `type`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What stands in it at first.
    #[prop(into)]
    value: String,
    /// `autocomplete`.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Said below the field.
    #[prop(optional_no_strip)]
    hint: Option<&'static str>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.to_owned());
    let hint_id = format!("{id}-hint");
    let fault_id = format!("{id}-fault");
    let fault = Memo::new(move |_| faults.with(|faults| faults.at(field).map(ToString::to_string)));
    let described = {
        let (hint_id, fault_id) = (hint.map(|_| hint_id.clone()), fault_id.clone());
        move || {
            let fault_id = fault.with(Option::is_some).then(|| fault_id.clone());
            let ids: Vec<String> = fault_id.into_iter().chain(hint_id.clone()).collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        }
    };
    view! {
        <div class="field" class:faulty=move || fault.with(Option::is_some)>
            <label for=id.clone()>{label}</label>
            <input
                id=id
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                aria-invalid=move || fault.with(Option::is_some).then_some("true")
                aria-describedby=described
            />
            {move || fault.get().map(|text| view! { <p class="fault" id=fault_id.clone()>{text}</p> })}
            {hint.map(|text| view! { <p class="hint" id=hint_id>{text}</p> })}
        </div>
    }
}

/// What is wrong with the form as a whole.
#[component]
pub fn FormFault(
    /// The form's faults.
    faults: RwSignal<Faults>,
) -> impl IntoView {
    view! {
        <div role="alert">
            {move || {
                let text = faults.with(|faults| faults.at(Field::Form).map(ToString::to_string));
                text.map(|text| view! { <p class="fault banner">{text}</p> })
            }}
        </div>
    }
}
