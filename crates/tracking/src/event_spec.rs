//! The specification of one event: name, owner, purpose, insert ID and the JSON Schema of its properties.
//!
//! `client` and `server` build the specifications from their types; `catalog` collects them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::presence::StitchedBy;
use crate::properties::UserProperty;
use crate::touch::sdk_touch_keys;

/// Which side sends an event, and whether the user's browser was involved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The browser, through the SDK.
    Browser,
    /// The server, for a user's action in a browser.
    ServerPresent,
    /// The server, for a change without a user's action.
    ServerSystem,
}

impl Owner {
    pub(crate) const fn present() -> Self {
        Self::ServerPresent
    }

    pub(crate) const fn system() -> Self {
        Self::ServerSystem
    }
}

/// One event of the tracking plan.
#[derive(Clone, Debug)]
pub struct EventSpec {
    /// Name on the wire.
    pub name: &'static str,
    /// Which side sends it.
    pub owner: Owner,
    /// What happened and which question the event answers: the type's doc comment.
    pub purpose: String,
    /// Pattern of the insert ID, or where it is generated.
    pub insert_id: &'static str,
    /// User properties that the event may set.
    pub user_properties: &'static [UserProperty],
    /// JSON Schema of its event properties. Unknown properties are invalid.
    pub schema: Value,
}

impl EventSpec {
    pub(crate) fn of<E: JsonSchema>(
        name: &'static str,
        owner: Owner,
        insert_id: &'static str,
        user_properties: &'static [UserProperty],
    ) -> Self {
        let mut fields = schema_of::<E>();
        let purpose = fields
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .replace('\n', " ");
        let mut properties = match fields.remove("properties") {
            Some(Value::Object(properties)) => properties,
            _ => Map::new(),
        };
        let mut required = match fields.remove("required") {
            Some(Value::Array(required)) => required,
            _ => Vec::new(),
        };
        if let Some(schema) = stitched_by_schema(owner) {
            properties.insert("stitched_by".into(), schema);
            required.push("stitched_by".into());
        }
        if owner == Owner::ServerPresent {
            for (name, description) in crate::context::EVENT_PROPERTIES {
                properties.insert(
                    name.into(),
                    json!({ "description": description, "type": "string" }),
                );
            }
        }
        let mut schema = json!({
            "description": purpose,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        if owner != Owner::ServerSystem {
            schema["patternProperties"] = json!({ campaign_pattern(): {} });
        }
        Self {
            name,
            owner,
            purpose,
            insert_id,
            user_properties,
            schema,
        }
    }
}

/// A pattern of the properties that the SDK's attribution adds to every browser event (seen with 2.48.1), and that the context
/// adds to present events.
fn campaign_pattern() -> String {
    let names: Vec<&str> = sdk_touch_keys().collect();
    format!("^({})$", names.join("|"))
}

fn schema_of<T: JsonSchema>() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    match settings.into_generator().into_root_schema_for::<T>().to_value() {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// JSON Schema of `stitched_by` for events of this owner; `None` for browser events, which do not have it.
pub(crate) fn stitched_by_schema(owner: Owner) -> Option<Value> {
    let by_rule = StitchedBy::NoneByRule;
    let description = "How the event got its device and session.";
    match owner {
        Owner::Browser => None,
        Owner::ServerSystem => Some(json!({ "description": description, "enum": [by_rule] })),
        Owner::ServerPresent => {
            let values: Vec<StitchedBy> = StitchedBy::ALL
                .into_iter()
                .filter(|value| *value != by_rule)
                .collect();
            Some(json!({ "description": description, "enum": values }))
        }
    }
}
