//! The disturbance lab: runs a scripted user through a scenario by the app's own routes while something goes wrong, and
//! reads the verdict on the resulting timeline.
//!
//! It exists in local mode only, because it changes the stand-ins' switches and kills workers. It has no routes (the
//! server's), and no page (`app::lab`).

mod browser;
mod environment;
mod error;
mod queue;
mod runner;
mod scenario;
mod scenario_run;
mod schedule;
mod stand_ins;
mod steps;
mod stripe;
mod switches;
mod timeline;

pub use environment::{LabEnvironment, WorkerControl};
pub use error::ScenarioError;
pub use queue::{Lab, LabBusyError};
pub use runner::run_scenario;
pub use scenario::{BROWSERS, ScenarioState, ScenarioStep, Transition};
pub use schedule::{DisturbanceSchedule, LabAction, SchedulePoint, StepPhase, WaitCondition};
pub use timeline::ScenarioTimeline;
