//! The server renders what is there; nothing arrives while it does.

use serde_json::Value;

/// Does nothing here.
pub fn follow(_find: Option<String>, _on_event: impl Fn(Value) + Clone + 'static) {}
