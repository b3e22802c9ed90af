//! The plan as data: what the types say, for people (`docs/TRACKING_PLAN.md`) and for programs (JSON Schema).
//!
//! Everything comes from the types: purposes and properties are doc comments and fields, the rest stands in the
//! tables of `server` and `client`. Nothing is written down a second time.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::presence::StitchedBy;
use crate::properties::UserProperty;
use crate::{client, server};

mod markdown;

pub use markdown::plan_markdown;

/// Who says an event, and whether somebody was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The browser, through the SDK.
    Browser,
    /// The server, of something that somebody did.
    ServerPresent,
    /// The server, of something that happened by itself.
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

/// One event of the plan.
#[derive(Clone, Debug)]
pub struct EventSpec {
    /// Name on the wire.
    pub name: &'static str,
    /// Who says it.
    pub owner: Owner,
    /// What it is and what it tells.
    pub purpose: String,
    /// Pattern of the insert ID, or who mints it.
    pub insert_id: &'static str,
    /// User properties that may ride on it.
    pub user_properties: &'static [UserProperty],
    /// JSON Schema of its event properties, closed: a property that is not named is refused.
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
        if let Some(words) = stitched_by(owner) {
            properties.insert("stitched_by".into(), words);
            required.push("stitched_by".into());
        }
        let mut schema = json!({
            "description": purpose,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        if owner == Owner::Browser {
            schema["patternProperties"] = json!({ SDK_CAMPAIGN: {} });
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

/// What the SDK's attribution adds to the properties of every event of a browser (seen with 2.48.1).
const SDK_CAMPAIGN: &str = "^(referrer|referring_domain|utm_(campaign|content|id|medium|source|term)|dclid|fbclid|gbraid\
    |gclid|ko_click_id|li_fat_id|msclkid|rdt_cid|ttclid|twclid|wbraid)$";

/// All events, the browser's first, in the order of the plan.
pub fn catalog() -> Vec<EventSpec> {
    let mut specs = client::specs();
    specs.extend(server::specs());
    specs
}

/// The plan for a program that checks events as they arrive: a schema of `event_properties` by event type, and the
/// prefixes of names that belong to the SDK and to Amplitude.
pub fn plan_schema() -> Value {
    let events: Map<String, Value> = catalog()
        .into_iter()
        .map(|spec| (spec.name.to_owned(), spec.schema))
        .collect();
    let mut plan = json!({ "events": events, "ignore_prefixes": ["[Amplitude]", "$", "session_"] });
    plan.sort_all_objects();
    plan
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

/// What an event of this kind may say of its IDs. The browser's carry the SDK's and say nothing.
fn stitched_by(owner: Owner) -> Option<Value> {
    let by_rule = StitchedBy::NoneByRule;
    let description = "How the event got its device and session.";
    match owner {
        Owner::Browser => None,
        Owner::ServerSystem => Some(json!({ "description": description, "enum": [by_rule] })),
        Owner::ServerPresent => {
            let words: Vec<StitchedBy> = StitchedBy::ALL
                .into_iter()
                .filter(|word| *word != by_rule)
                .collect();
            Some(json!({ "description": description, "enum": words }))
        }
    }
}
