//! Forms that work with and without script.
//!
//! Every form posts to its own page's path. Without script (or before it has loaded) the server answers that post with
//! the page itself, faults at the fields and everything typed still there, or with a redirect. With script the
//! submission is checked by the same code in the browser and sent by a server function, and the page stays.

mod failed;
mod fields;
mod submit;

pub use failed::{Answer, FailedForm};
pub(crate) use failed::{FormState, form_state};
pub(crate) use fields::{FormFault, TextField};
pub(crate) use submit::{Typed, use_submit, use_submit_and_stay};
