//! A collector's settings. This module reads neither the environment nor the disk.

use std::fmt;

use local_service::{StateError, StateLocation, WallClock};
use serde_json::Value;

use crate::tracking_plan::PlanError;

/// A collector's settings.
#[derive(Clone)]
pub struct CollectorSettings {
    /// Where people and events are stored.
    pub state: StateLocation,
    /// The accepted API key. `None`: any key of 32 letters and digits.
    pub api_key: Option<String>,
    /// The secret key that the Dashboard REST API requires with the API key. `None`: any.
    pub secret_key: Option<String>,
    /// The tracking plan to check events against: `{"events": {"<event type>": <JSON Schema of its
    /// event_properties>}, "ignore_prefixes": ["[Amplitude]", "$", "session_"]}`.
    pub plan: Option<Value>,
    /// Limits of size and time. The defaults are Amplitude's.
    pub limits: Limits,
    /// The clock for all server-side timestamps.
    pub clock: WallClock,
}

impl Default for CollectorSettings {
    fn default() -> Self {
        Self {
            state: StateLocation::Temporary,
            api_key: None,
            secret_key: None,
            plan: None,
            limits: Limits::default(),
            clock: WallClock::system(),
        }
    }
}

impl fmt::Debug for CollectorSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorSettings")
            .field("state", &self.state)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("secret_key", &self.secret_key.as_ref().map(|_| "…"))
            .field("plan", &self.plan.is_some())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Limits of size and time. Sources: HTTP V2, "Upload limit", "String character limit", "Event deduplication",
/// "Device IDs and User IDs minimum length"; Batch Event Upload.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body of `/2/httpapi` and `/identify`, in bytes, before and after decompression.
    pub http_v2_bytes: usize,
    /// Largest body of `/batch`, in bytes, before and after decompression.
    pub batch_bytes: usize,
    /// Most events in one request.
    pub events_per_request: usize,
    /// Longest string, in characters. Longer strings are truncated.
    pub string_chars: usize,
    /// Deepest nesting of a property object.
    pub property_depth: usize,
    /// Shortest user or device ID, in characters. A request can override it with `options.min_id_length`.
    pub min_id_length: usize,
    /// How long an event with the same device ID and insert ID counts as a duplicate, in milliseconds.
    pub dedup_window_ms: i64,
    /// Most rows in the delivery log. Older rows are deleted.
    pub raw_log_rows: i64,
    /// Most refused events. Older ones are deleted.
    pub refused_rows: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            http_v2_bytes: 1 << 20,
            batch_bytes: 20 << 20,
            events_per_request: 2000,
            string_chars: 1024,
            property_depth: 40,
            min_id_length: 5,
            dedup_window_ms: 7 * 24 * 3_600_000,
            raw_log_rows: 500_000,
            refused_rows: 10_000,
        }
    }
}

/// Why a collector cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum CollectorOpenError {
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The tracking plan is not valid.
    #[error(transparent)]
    TrackingPlan(#[from] PlanError),
}
