//! What people type, checked by the same code in the browser and on the server.
//!
//! A form is a struct of raw text. `check` turns it into parsed values, or into [`Faults`]: a problem for each field, with
//! the sentence that the page shows there. Nothing typed is changed on the way to an error, so that the page can show
//! it again. This crate knows no database: whether an address is taken is the server's to say, with the same `Faults`.

mod account;
mod email;
mod faults;
mod moment;
mod poll;
mod settings;
mod text;
mod vote;

pub use account::{SignIn, SignInForm, SignUp, SignUpForm};
pub use email::Email;
pub use faults::{Fault, Faults, Field, Problem};
pub use moment::moment_text;
pub use poll::{MAX_OPTIONS, MIN_OPTIONS, PollDraft, PollForm};
pub use settings::{
    ChangeEmail, ChangeEmailForm, ChangePassword, ChangePasswordForm, DeleteAccountForm, ForgotForm,
    ResetForm,
};
pub use text::Secret;
pub use vote::{VoteDraft, VoteForm};
