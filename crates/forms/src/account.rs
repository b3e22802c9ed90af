//! Sign-up and sign-in.

use crate::email::Email;
use crate::errors::FieldErrors;
use crate::field::form;
use crate::text::{Secret, known_password, new_password};

form! {
    /// Sign-up as typed.
    pub struct SignUpForm {
        /// Email address.
        pub email: String,
        /// Password.
        pub password: Secret,
        /// The path to go on to, from the page's URL.
        pub next: String,
    }
}

/// Sign-up, checked.
#[derive(Debug)]
pub struct SignUp {
    /// Where mail goes, and how the account is found.
    pub email: Email,
    /// To be hashed.
    pub password: Secret,
}

impl SignUpForm {
    /// Every field's error at once.
    pub fn check(&self) -> Result<SignUp, FieldErrors> {
        let mut errors = FieldErrors::default();
        let email = errors.take(Self::email, Email::parse(&self.email));
        let password = errors.take(Self::password, new_password(&self.password));
        match (email, password) {
            (Some(email), Some(password)) => Ok(SignUp { email, password }),
            _ => Err(errors),
        }
    }
}

form! {
    /// Sign-in as typed.
    pub struct SignInForm {
        /// Email address.
        pub email: String,
        /// Password.
        pub password: Secret,
        /// The path to go on to, from the page's URL.
        pub next: String,
    }
}

/// Sign-in, checked as far as that goes without the account.
#[derive(Debug)]
pub struct SignIn {
    /// By which the account is looked for.
    pub email: Email,
    /// To be compared.
    pub password: Secret,
}

impl SignInForm {
    /// Rules for new addresses and passwords do not apply to those of existing accounts.
    pub fn check(&self) -> Result<SignIn, FieldErrors> {
        let mut errors = FieldErrors::default();
        let email = errors.take(Self::email, Email::parse_known(&self.email));
        let password = errors.take(Self::password, known_password(&self.password));
        match (email, password) {
            (Some(email), Some(password)) => Ok(SignIn { email, password }),
            _ => Err(errors),
        }
    }
}

form! {
    /// The button that signs out.
    pub struct SignOutForm {
        /// The path to go on to, from the form's URL.
        pub next: String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::FieldError;

    fn sign_up(email: &str, password: &str) -> Result<SignUp, FieldErrors> {
        SignUpForm {
            email: email.to_owned(),
            password: Secret::new(password),
            ..SignUpForm::default()
        }
        .check()
    }

    #[test]
    fn every_field_with_an_error_is_reported() {
        let errors = sign_up("not-an-address", "short").unwrap_err();
        assert_eq!(errors.at(SignUpForm::email), Some(&FieldError::NotAnEmail));
        assert_eq!(
            errors.at(SignUpForm::password),
            Some(&FieldError::TooShort { min: 10 })
        );
    }

    #[test]
    fn sign_in_takes_an_old_short_password() {
        assert!(
            SignInForm {
                email: "ada@example.com".into(),
                password: Secret::new("old"),
                ..SignInForm::default()
            }
            .check()
            .is_ok()
        );
        let errors = SignInForm::default().check().unwrap_err();
        assert_eq!(errors.at(SignUpForm::email), Some(&FieldError::Missing));
        assert_eq!(errors.at(SignUpForm::password), Some(&FieldError::Missing));
    }

    #[test]
    fn no_log_shows_a_password() {
        let form = SignUpForm {
            email: String::new(),
            password: Secret::new("hunter2 hunter2"),
            ..SignUpForm::default()
        };
        assert!(!format!("{form:?}").contains("hunter2"));
    }
}
