//! What people do with an account that they have: change it, find a way back into it, end it.

use serde::{Deserialize, Serialize};

use crate::account::{known_password, new_password};
use crate::email::Email;
use crate::faults::{Faults, Field};
use crate::text::Secret;

/// "Forgot your password?" as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgotForm {
    /// E-mail address.
    #[serde(default)]
    pub email: String,
}

impl ForgotForm {
    /// The address.
    pub fn check(&self) -> Result<Email, Faults> {
        Email::parse(&self.email).map_err(|problem| Faults::one(Field::Email, problem))
    }
}

/// A new password, through a link in a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetForm {
    /// The new password.
    #[serde(default)]
    pub password: Secret,
}

impl ResetForm {
    /// The new password.
    pub fn check(&self) -> Result<Secret, Faults> {
        new_password(&self.password).map_err(|problem| Faults::one(Field::Password, problem))
    }
}

/// A change of password as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePasswordForm {
    /// The one that the account has now.
    #[serde(default)]
    pub present: Secret,
    /// The new one.
    #[serde(default)]
    pub password: Secret,
}

/// A change of password, checked as far as that goes without the account.
#[derive(Debug)]
pub struct ChangePassword {
    /// To be compared.
    pub present: Secret,
    /// To be hashed.
    pub password: Secret,
}

impl ChangePasswordForm {
    /// Every field's problem at once.
    pub fn check(&self) -> Result<ChangePassword, Faults> {
        let mut faults = Faults::default();
        let present = faults.take(Field::PresentPassword, known_password(&self.present));
        let password = faults.take(Field::Password, new_password(&self.password));
        match (present, password) {
            (Some(present), Some(password)) => Ok(ChangePassword { present, password }),
            _ => Err(faults),
        }
    }
}

/// A change of e-mail address as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeEmailForm {
    /// The new address.
    #[serde(default)]
    pub email: String,
    /// The password.
    #[serde(default)]
    pub present: Secret,
}

/// A change of e-mail address, checked as far as that goes without the account.
#[derive(Debug)]
pub struct ChangeEmail {
    /// The new address.
    pub email: Email,
    /// To be compared.
    pub present: Secret,
}

impl ChangeEmailForm {
    /// Every field's problem at once.
    pub fn check(&self) -> Result<ChangeEmail, Faults> {
        let mut faults = Faults::default();
        let email = faults.take(Field::Email, Email::parse(&self.email));
        let present = faults.take(Field::PresentPassword, known_password(&self.present));
        match (email, present) {
            (Some(email), Some(present)) => Ok(ChangeEmail { email, present }),
            _ => Err(faults),
        }
    }
}

/// The end of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteAccountForm {
    /// The password.
    #[serde(default)]
    pub present: Secret,
}

impl DeleteAccountForm {
    /// The password, to be compared.
    pub fn check(&self) -> Result<Secret, Faults> {
        known_password(&self.present).map_err(|problem| Faults::one(Field::PresentPassword, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Problem;

    #[test]
    fn every_field_is_told_at_once() {
        let faults = ChangePasswordForm {
            present: Secret::default(),
            password: Secret::new("short"),
        }
        .check()
        .unwrap_err();
        assert_eq!(faults.at(Field::PresentPassword), Some(&Problem::Missing));
        assert_eq!(faults.at(Field::Password), Some(&Problem::TooShort { min: 10 }));

        let faults = ChangeEmailForm {
            email: "ada".into(),
            present: Secret::new("x".repeat(257)),
        }
        .check()
        .unwrap_err();
        assert_eq!(faults.at(Field::Email), Some(&Problem::NotAnEmail));
        let too_long = Problem::TooLong { max: 256, len: 257 };
        assert_eq!(faults.at(Field::PresentPassword), Some(&too_long));
    }

    #[test]
    fn a_present_password_may_be_an_old_short_one() {
        let form = DeleteAccountForm {
            present: Secret::new("old"),
        };
        assert_eq!(form.check().unwrap().expose(), "old");
        let empty = DeleteAccountForm::default().check().unwrap_err();
        assert_eq!(empty.at(Field::PresentPassword), Some(&Problem::Missing));
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
        let faults = ForgotForm::default().check().unwrap_err();
        assert_eq!(faults.at(Field::Email), Some(&Problem::Missing));
        let faults = ResetForm {
            password: Secret::new("short"),
        }
        .check()
        .unwrap_err();
        assert_eq!(faults.at(Field::Password), Some(&Problem::TooShort { min: 10 }));
    }
}
