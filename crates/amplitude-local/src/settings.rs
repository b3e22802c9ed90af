//! What a collector is opened with. Nothing here reads the environment or the disk.

use std::{fmt, path::PathBuf};

use serde_json::Value;

use crate::{clock::Clock, plan::PlanError};

/// Everything that can be chosen about a collector. Start from `Settings::default()`.
#[derive(Clone)]
pub struct Settings {
    /// Where people and events are kept.
    pub state: State,
    /// The only API key accepted. `None`: any key that looks like one (32 letters and digits).
    pub api_key: Option<String>,
    /// The secret key that the read side asks for beside the API key. `None`: any.
    pub secret_key: Option<String>,
    /// A tracking plan to check arriving events against: `{"events": {"<event type>": <JSON Schema of its
    /// event_properties>}, "ignore_prefixes": ["[Amplitude]", "$", "session_"]}`.
    pub plan: Option<Value>,
    /// Sizes and windows; the defaults are Amplitude's.
    pub limits: Limits,
    /// The clock behind every server-side timestamp.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            state: State::Temporary,
            api_key: None,
            secret_key: None,
            plan: None,
            limits: Limits::default(),
            clock: Clock::system(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("state", &self.state)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("secret_key", &self.secret_key.as_ref().map(|_| "…"))
            .field("plan", &self.plan.is_some())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Where the collector keeps what it received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// A file of its own in the system's temporary folder, removed with the collector.
    Temporary,
    /// An SQLite file, created when it is missing.
    File(PathBuf),
}

/// Sizes and windows. Sources: HTTP V2, "Upload limit", "String character limit", "Event deduplication",
/// "Device IDs and User IDs minimum length"; Batch Event Upload.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body of `/2/httpapi` and `/identify`, in bytes, before and after decompression.
    pub http_v2_bytes: usize,
    /// Largest body of `/batch`, in bytes, before and after decompression.
    pub batch_bytes: usize,
    /// Most events in one request.
    pub events_per_request: usize,
    /// Longer strings are cut to this many characters.
    pub string_chars: usize,
    /// Deepest nesting of a property object.
    pub property_depth: usize,
    /// Shortest user or device ID, unless the request's `options.min_id_length` says otherwise.
    pub min_id_length: usize,
    /// How long an insert ID is remembered on its device, in milliseconds.
    pub dedup_window_ms: i64,
    /// Rows kept in the raw log of deliveries; older ones are dropped.
    pub raw_log_rows: i64,
    /// Refused events kept; older ones are dropped.
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

/// Why a collector could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder of the state file could not be made.
    #[error("cannot create a folder for the state: {0}")]
    Folder(#[source] std::io::Error),
    /// The state file could not be opened or prepared.
    #[error("cannot open the state: {0}")]
    State(#[from] sqlx::Error),
    /// The file is a database of another program or of another version of this one.
    #[error(
        "the state file has layout {found}, this program reads layout {expected}; remove the file or use another"
    )]
    Layout {
        /// What the file says of itself.
        found: i64,
        /// What this program reads and writes.
        expected: i64,
    },
    /// The tracking plan cannot be used.
    #[error(transparent)]
    Plan(#[from] PlanError),
}
