//! One's account: address, password, logins, data, and the end of it.
//!
//! Each form has a page of its own to post to. What is a button alone is a plain form post with and without script.

mod api;
mod delete;
mod email;
mod logins;
mod page;
mod password;

#[cfg(feature = "ssr")]
pub use api::verbs;
pub use delete::{DeleteAccountPage, GoodbyePage};
pub use email::ChangeEmailPage;
pub use page::SettingsPage;
pub use password::ChangePasswordPage;
