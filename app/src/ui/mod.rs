//! What all pages share: header and footer, and what was just done.

mod layout;
mod toast;

pub(crate) use layout::{Footer, Header};
pub(crate) use toast::{Done, ToastArea, provide_toast, use_toast};
