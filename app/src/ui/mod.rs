//! What all pages share: header and footer, and what was just done.

mod layout;
mod toast;

pub(crate) use layout::{Footer, Header};
pub(crate) use toast::ToastArea;
