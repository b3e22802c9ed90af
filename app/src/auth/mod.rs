//! Sign-up, sign-in, sign-out.
//!
//! Each loads a new document when it is done: everything in it, the device and session included, is then of the person
//! who is signed in, or of nobody.

mod api;
mod credentials;
mod sign_in;
mod sign_up;

#[cfg(feature = "ssr")]
pub use api::verbs;
pub use sign_in::SignInPage;
pub use sign_up::SignUpPage;
