//! Sign-up and sign-in.

use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::faults::{Faults, Field, Problem};
use crate::text::Secret;

/// NIST SP 800-63B asks for 8; length is what counts.
const PASSWORD_MIN: usize = 10;
/// Longer ones only make the hash slow.
const PASSWORD_MAX: usize = 256;

/// Sign-up as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUpForm {
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Password.
    #[serde(default)]
    pub password: Secret,
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
    /// Every field's problem at once.
    pub fn check(&self) -> Result<SignUp, Faults> {
        let mut faults = Faults::default();
        let email = faults.take(Field::Email, Email::parse(&self.email));
        let password = faults.take(Field::Password, new_password(&self.password));
        match (email, password) {
            (Some(email), Some(password)) => Ok(SignUp { email, password }),
            _ => Err(faults),
        }
    }
}

/// Sign-in as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInForm {
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Password.
    #[serde(default)]
    pub password: Secret,
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
    /// Today's rules for new passwords do not bind old ones: here a password is there, or it is not.
    pub fn check(&self) -> Result<SignIn, Faults> {
        let mut faults = Faults::default();
        let email = faults.take(Field::Email, Email::parse(&self.email));
        let password = faults.take(Field::Password, known_password(&self.password));
        match (email, password) {
            (Some(email), Some(password)) => Ok(SignIn { email, password }),
            _ => Err(faults),
        }
    }
}

/// A password to be compared.
pub(crate) fn known_password(password: &Secret) -> Result<Secret, Problem> {
    let len = password.expose().chars().count();
    match len {
        0 => Err(Problem::Missing),
        _ if len > PASSWORD_MAX => Err(Problem::TooLong {
            max: PASSWORD_MAX,
            len,
        }),
        _ => Ok(password.clone()),
    }
}

/// Spaces count, and any script will do.
pub(crate) fn new_password(password: &Secret) -> Result<Secret, Problem> {
    let len = password.expose().chars().count();
    match len {
        0 => Err(Problem::Missing),
        _ if len < PASSWORD_MIN => Err(Problem::TooShort { min: PASSWORD_MIN }),
        _ if len > PASSWORD_MAX => Err(Problem::TooLong {
            max: PASSWORD_MAX,
            len,
        }),
        _ => Ok(password.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_up(email: &str, password: &str) -> Result<SignUp, Faults> {
        SignUpForm {
            email: email.to_owned(),
            password: Secret::new(password),
        }
        .check()
    }

    #[test]
    fn every_field_is_told_at_once() {
        let faults = sign_up("nobody", "short").unwrap_err();
        assert_eq!(faults.at(Field::Email), Some(&Problem::NotAnEmail));
        assert_eq!(faults.at(Field::Password), Some(&Problem::TooShort { min: 10 }));
    }

    #[test]
    fn passwords_are_measured_in_characters() {
        assert!(sign_up("ada@example.com", "пароль длинный").is_ok());
        let faults = sign_up("ada@example.com", &"🔑".repeat(257)).unwrap_err();
        assert_eq!(
            faults.at(Field::Password),
            Some(&Problem::TooLong { max: 256, len: 257 })
        );
        assert_eq!(faults.at(Field::Email), None);
    }

    #[test]
    fn sign_in_takes_an_old_short_password() {
        assert!(
            SignInForm {
                email: "ada@example.com".into(),
                password: Secret::new("old")
            }
            .check()
            .is_ok()
        );
        let faults = SignInForm::default().check().unwrap_err();
        assert_eq!(faults.at(Field::Email), Some(&Problem::Missing));
        assert_eq!(faults.at(Field::Password), Some(&Problem::Missing));
    }

    #[test]
    fn no_log_shows_a_password() {
        let form = SignUpForm {
            email: String::new(),
            password: Secret::new("hunter2 hunter2"),
        };
        assert!(!format!("{form:?}").contains("hunter2"));
    }
}
