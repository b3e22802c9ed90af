//! Forms: what users type, and one check for each form.
//!
//! A form is a struct of raw text, decoded by serde. `check` returns parsed values, or [`FieldErrors`]: one error per
//! field, with the sentence that the page shows there. `check` changes nothing, so the page can show the input again.
//! This crate has no database: whether an address is taken is reported by the server, with the same `FieldErrors`.

mod account;
mod email;
mod errors;
mod field;
mod moment;
mod poll;
mod settings;
mod text;
mod vote;

pub use account::{SignIn, SignInForm, SignOutForm, SignUp, SignUpForm};
pub use email::Email;
pub use errors::{FieldError, FieldErrors};
pub use field::Field;
pub use moment::moment_text;
pub use poll::{MAX_OPTIONS, MIN_OPTIONS, PollDraft, PollForm};
pub use settings::{
    ChangeEmail, ChangeEmailForm, ChangePassword, ChangePasswordForm, DeleteAccountForm, ForgotForm,
    ResetForm,
};
pub use text::{Secret, search_text};
pub use vote::{VoteDraft, VoteForm};
