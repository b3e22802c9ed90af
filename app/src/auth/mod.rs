//! Sign-up, sign-in, sign-out, and the ways back in by a link in a mail.
//!
//! Each loads a new document when it is done: everything in it, the device and session included, is then of the person
//! who is signed in, or of nobody.

mod api;
mod credentials;
mod forgot;
mod links;
mod reset;
mod sign_in;
mod sign_up;
mod spent;
mod verify;

#[cfg(feature = "ssr")]
pub use api::verbs;
pub use forgot::ForgotPage;
pub use links::LinkPage;
#[cfg(feature = "ssr")]
pub use links::link_verbs;
pub use reset::ResetPage;
pub use sign_in::SignInPage;
pub use sign_up::SignUpPage;
pub use verify::VerifyPage;
