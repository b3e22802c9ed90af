//! Client events of a document's own markup. A typed [`ClientEvent`] becomes a `data-track` attribute, and
//! `public/seam.js` fires it, from the first paint on and without wasm.

use leptos::attr::IntoAttributeValue;
use serde::Serialize;
use serde_json::{Map, Value};
use tracking::{ClientEvent, InsertId};

/// When the script fires the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// The element is on the page that was loaded.
    Shown,
    /// A `<details>` is opened for the first time.
    Toggle,
    /// The element is clicked.
    Click,
    /// A control in the element was changed.
    Change,
    /// The form is submitted. The script waits until the event has left, half a second at most, before it lets the page be
    /// left.
    Submit,
    /// The text of `data-copy` is on the clipboard.
    Copied,
    /// The device's share sheet has taken the link.
    Shared,
}

/// The value of a `data-track` attribute.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrackAttribute {
    on: On,
    name: &'static str,
    properties: Map<String, Value>,
    /// Properties whose values the script reads from the form's controls of the same names when it fires.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fields: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    insert_id: Option<InsertId>,
}

/// Has the script fire the event.
pub fn track_on(on: On, event: impl Into<ClientEvent>) -> TrackAttribute {
    let event = event.into();
    TrackAttribute {
        on,
        name: event.name(),
        properties: event.properties(),
        fields: &[],
        insert_id: None,
    }
}

impl TrackAttribute {
    /// Has the script read these properties from the form's controls of the same names, at the moment when it fires.
    pub fn reading(self, fields: &'static [&'static str]) -> Self {
        Self { fields, ..self }
    }

    /// Has the script fire it under this insert ID.
    pub fn under(self, insert_id: InsertId) -> Self {
        Self {
            insert_id: Some(insert_id),
            ..self
        }
    }
}

impl IntoAttributeValue for TrackAttribute {
    type Output = String;

    fn into_attribute_value(self) -> String {
        // A struct of texts and numbers always serialises.
        serde_json::to_string(&self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use tracking::{PlanInterval, Surface, TrialCheckoutClicked};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_attribute_names_the_event_its_properties_and_what_is_read_from_the_form() {
        let clicked = TrialCheckoutClicked {
            interval: PlanInterval::Month,
            surface: Surface::Pricing,
        };
        let attribute = track_on(On::Submit, clicked)
            .reading(&["interval"])
            .under(InsertId::existing(Uuid::nil()));
        assert_eq!(
            attribute.into_attribute_value(),
            r#"{"on":"submit","name":"Trial checkout clicked","properties":{"interval":"month","surface":"pricing"},"fields":["interval"],"insertId":"00000000-0000-0000-0000-000000000000"}"#
        );
    }
}
