//! Parts of all pages: header, footer, and the message after a form post.

mod layout;
mod toast;

pub(crate) use layout::{Footer, Header, NavLink};
pub(crate) use toast::ToastArea;
