//! Sign-up, sign-in, sign-out, and the way back in by a link in a mail.
//!
//! Each loads a new document when it is done: everything in it, the device and session included, then belongs to the user
//! who is signed in, or to none.

pub mod actions;
mod forgot;
mod link_expired;
mod links;
mod reset;
mod sign_in;
mod sign_up;
mod verify;

pub use forgot::ForgotPage;
pub use link_expired::LINK_OPENED;
pub use links::LinkPage;
pub use reset::ResetPage;
pub use sign_in::SignInPage;
pub use sign_up::SignUpPage;
pub use verify::VerifyPage;
