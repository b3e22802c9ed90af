//! The forms of an existing account: a reset password, a changed password or address, deletion.

use crate::email::Email;
use crate::errors::FieldErrors;
use crate::field::form;
use crate::text::{Secret, known_password, new_password};

form! {
    /// "Forgot your password?" as typed.
    pub struct ForgotForm {
        /// Email address.
        pub email: String,
    }
}

impl ForgotForm {
    /// The address.
    pub fn check(&self) -> Result<Email, FieldErrors> {
        Email::parse_known(&self.email).map_err(|error| FieldErrors::one(Self::email, error))
    }
}

form! {
    /// A new password, through a link in a mail.
    pub struct ResetForm {
        /// The new password.
        pub password: Secret,
    }
}

impl ResetForm {
    /// The new password.
    pub fn check(&self) -> Result<Secret, FieldErrors> {
        new_password(&self.password).map_err(|error| FieldErrors::one(Self::password, error))
    }
}

form! {
    /// A change of password as typed.
    pub struct ChangePasswordForm {
        /// The one that the account has now.
        pub current_password: Secret,
        /// The new one.
        pub password: Secret,
    }
}

/// A change of password, checked as far as that goes without the account.
#[derive(Debug)]
pub struct ChangePassword {
    /// To be compared.
    pub current_password: Secret,
    /// To be hashed.
    pub password: Secret,
}

impl ChangePasswordForm {
    /// Every field's error at once.
    pub fn check(&self) -> Result<ChangePassword, FieldErrors> {
        let mut errors = FieldErrors::default();
        let current_password = errors.take(Self::current_password, known_password(&self.current_password));
        let password = errors.take(Self::password, new_password(&self.password));
        match (current_password, password) {
            (Some(current_password), Some(password)) => Ok(ChangePassword {
                current_password,
                password,
            }),
            _ => Err(errors),
        }
    }
}

form! {
    /// A change of email address as typed.
    pub struct ChangeEmailForm {
        /// The new address.
        pub email: String,
        /// The password.
        pub current_password: Secret,
    }
}

/// A change of email address, checked as far as that goes without the account.
#[derive(Debug)]
pub struct ChangeEmail {
    /// The new address.
    pub email: Email,
    /// To be compared.
    pub current_password: Secret,
}

impl ChangeEmailForm {
    /// Every field's error at once.
    pub fn check(&self) -> Result<ChangeEmail, FieldErrors> {
        let mut errors = FieldErrors::default();
        let email = errors.take(Self::email, Email::parse(&self.email));
        let current_password = errors.take(Self::current_password, known_password(&self.current_password));
        match (email, current_password) {
            (Some(email), Some(current_password)) => Ok(ChangeEmail {
                email,
                current_password,
            }),
            _ => Err(errors),
        }
    }
}

form! {
    /// The end of an account.
    pub struct DeleteAccountForm {
        /// The password.
        pub current_password: Secret,
    }
}

impl DeleteAccountForm {
    /// The password, to be compared.
    pub fn check(&self) -> Result<Secret, FieldErrors> {
        known_password(&self.current_password)
            .map_err(|error| FieldErrors::one(Self::current_password, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::FieldError;

    #[test]
    fn every_field_with_an_error_is_reported() {
        let errors = ChangePasswordForm {
            current_password: Secret::default(),
            password: Secret::new("short"),
        }
        .check()
        .unwrap_err();
        assert_eq!(
            errors.at(ChangePasswordForm::current_password),
            Some(&FieldError::Missing)
        );
        assert_eq!(
            errors.at(ResetForm::password),
            Some(&FieldError::TooShort { min: 10 })
        );

        let errors = ChangeEmailForm {
            email: "ada".into(),
            current_password: Secret::new("x".repeat(257)),
        }
        .check()
        .unwrap_err();
        assert_eq!(errors.at(ChangeEmailForm::email), Some(&FieldError::NotAnEmail));
        let too_long = FieldError::TooLong { max: 256, len: 257 };
        assert_eq!(errors.at(ChangePasswordForm::current_password), Some(&too_long));
    }

    #[test]
    fn a_current_password_may_be_an_old_short_one() {
        let form = DeleteAccountForm {
            current_password: Secret::new("old"),
        };
        assert_eq!(form.check().unwrap().normal_form(), "old");
        let empty = DeleteAccountForm::default().check().unwrap_err();
        assert_eq!(
            empty.at(ChangePasswordForm::current_password),
            Some(&FieldError::Missing)
        );
    }

    #[test]
    fn a_reset_and_its_request() {
        assert!(
            ForgotForm {
                email: " ada@example.com ".into()
            }
            .check()
            .is_ok()
        );
        let errors = ForgotForm::default().check().unwrap_err();
        assert_eq!(errors.at(ChangeEmailForm::email), Some(&FieldError::Missing));
        let errors = ResetForm {
            password: Secret::new("short"),
        }
        .check()
        .unwrap_err();
        assert_eq!(
            errors.at(ResetForm::password),
            Some(&FieldError::TooShort { min: 10 })
        );
    }
}
