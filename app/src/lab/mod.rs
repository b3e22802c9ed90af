//! The disturbance lab of local mode: a scripted user runs through a scenario while something goes wrong, and the verdict
//! on the resulting timeline is shown.
//!
//! This module has the page and its data. The server (`server/src/lab`) runs the scenarios, through the same routes that
//! browsers use.

mod disturbance;
mod model;
mod page;
mod result;

pub use disturbance::Disturbance;
pub use model::{LabForm, LabState, Outcome, RunState, Running, StartAnswer, UserResult};
pub use page::LabPage;
