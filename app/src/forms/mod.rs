//! The markup of forms. A form posts to its page, with and without script alike: the answer is a redirect, or the page
//! with status 422, the errors at the fields and the input still in them.
//!
//! `public/seam.js` adds what every form has in common: a second submission does nothing while the first is on its way,
//! and the button says so.

mod fields;

pub(crate) use fields::{Form, FormErrors, Submit, TextField};
