//! The disturbance lab of local mode: a scripted life under everything that can go wrong, and the verdict on each story.
//!
//! Here are the page and its data. The lives are lived by the server (`server/src/lab`), through the same routes as
//! everybody's.

mod api;
mod board;
mod disturbance;
#[cfg_attr(feature = "hydrate", path = "live_browser.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "live_none.rs")]
mod live;
mod page;
mod result;

pub use board::{Board, Outcome, Running, Stand, Story};
pub use disturbance::{Disturbance, Group};
pub use page::{Answered, LabPage};
