//! The disturbance lab: lives a scripted life through the app's own routes while something goes wrong, and reads the verdict
//! on the story. Local mode only; it is made nowhere else.
//!
//! `script` is the life, lived by the pretend browser of `browser`; `switches` is what a disturbance tells the stand-ins, and
//! puts them back; `run` takes turns. The page and its data are the app's (`app::lab`).

mod api;
mod browser;
mod run;
mod script;
mod stage;
mod stripe;
mod switches;

pub use api::{live, results, run_form, start};
pub use run::Lab;
pub use stage::Stage;
