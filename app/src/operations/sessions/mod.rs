//! What the stitching is worth over several people: session charts as they are, and as they would be.

mod page;
#[cfg(feature = "ssr")]
pub(super) mod reading;

use serde::{Deserialize, Serialize};
use tracking::session_metrics::Comparison;

pub use page::SessionsPage;

/// What was read; or why Amplitude does not say.
pub type Sessions = Result<Compared, String>;

/// The newest people's sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// How many people.
    pub people: usize,
    /// With the stitching and without.
    pub comparison: Comparison,
}
