//! What all pages share: header and footer.

mod layout;

pub(crate) use layout::{Footer, Header};
