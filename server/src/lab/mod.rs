//! The disturbance lab: walks through a life by the app's own routes while something goes wrong, and reads the verdict on the
//! story. Local mode only; it is made nowhere else.
//!
//! `life` has the steps as data, and the scripted life that the page runs; `moments` has disturbances as data. `walk` goes
//! through a life with the pretend browser of `browser`, each step by `acts`; `switches` are the stand-ins', put back whatever
//! happens; `story` reads back what was told. `run` takes turns. The page and its data are the app's (`app::lab`).

mod acts;
mod api;
mod browser;
mod life;
mod moments;
mod run;
mod stage;
mod story;
mod stripe;
mod switches;
mod walk;

pub(crate) use api::{live, results, run_form, start};
pub use life::{BROWSERS, Standing, Step, Taken};
pub use moments::{Awaited, Disturbs, Moment, Turn, When};
pub(crate) use run::Lab;
pub use stage::{Stage, Trouble};
pub use story::Lived;
