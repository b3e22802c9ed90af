//! The account's settings: address, password, logins, data, and deletion.
//!
//! Each form has a page of its own. The buttons of the overview post to paths without a page: when one fails, the overview
//! shows the error.

pub mod actions;
mod delete;
mod email;
mod logins;
mod model;
mod page;
mod password;
pub mod queries;

pub use delete::{DeleteAccountPage, GoodbyePage};
pub use email::ChangeEmailPage;
pub use model::EndLoginForm;
pub use page::SettingsPage;
pub use password::ChangePasswordPage;
