//! Auth events. All are present: whoever signs up, in or out does so in a browser, in the request that confirms it.
//!
//! Nothing personal is in them but the domain of the e-mail address, and the address itself where the operator asked
//! for it. Moments arrive as text, because this crate reads no clock and knows no calendar.

use serde::Serialize;
use uuid::Uuid;

use super::Fact;
use crate::ids::{InsertId, UserId};
use crate::properties::{AccountType, UserProperties, UserProperty};

/// A new account exists. Tells which visits turn into accounts; it signs in as well, so no sign-in event follows it.
/// Sensitive: the domain of the e-mail address, and the address itself where the operator set `TRACK_EMAIL`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SignUpCompleted {
    /// The part of the address after the `@`.
    #[serde(skip)]
    pub email_domain: String,
    /// The whole address; `None` unless `TRACK_EMAIL` is on.
    #[serde(skip)]
    pub email: Option<String>,
    /// Date of the sign-up, `YYYY-MM-DD`, UTC.
    #[serde(skip)]
    pub signed_up_on: String,
}

impl Fact for SignUpCompleted {
    const NAME: &'static str = "Sign-up completed";

    fn insert_id(&self, user: UserId) -> InsertId {
        InsertId::of("sign-up", user)
    }

    fn user_properties(&self, user: UserId) -> UserProperties {
        let properties = UserProperties::default()
            .set(UserProperty::CustomerId, user.to_string())
            .set(UserProperty::AccountType, AccountType::Free.as_str())
            .set(UserProperty::EmailDomain, self.email_domain.as_str())
            .set_once(UserProperty::InitialSignupDate, self.signed_up_on.as_str());
        let properties = logged_in(properties, &self.signed_up_on);
        match &self.email {
            Some(email) => properties.set(UserProperty::Email, email.as_str()),
            None => properties,
        }
    }
}

/// Somebody signed in to an existing account. Tells how often and from how many browsers people come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SignInCompleted {
    /// The login that it opened.
    #[serde(skip)]
    pub login: Uuid,
    /// Moment of the sign-in, ISO 8601, UTC; its date becomes `last_login_date`, as at sign-up.
    #[serde(skip)]
    pub signed_in_at: String,
}

impl Fact for SignInCompleted {
    const NAME: &'static str = "Sign-in completed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("sign-in", self.login)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        let date = self
            .signed_in_at
            .split_once('T')
            .map_or(self.signed_in_at.as_str(), |(date, _)| date);
        logged_in(UserProperties::default(), date)
    }
}

/// Somebody signed out. The last event of the old identity in this browser: the next person there is someone else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SignOutCompleted {
    /// The login that it ended.
    #[serde(skip)]
    pub login: Uuid,
    /// Whether the account has no other login open.
    #[serde(skip)]
    pub last_login: bool,
}

impl Fact for SignOutCompleted {
    const NAME: &'static str = "Sign-out completed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("sign-out", self.login)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        let properties = UserProperties::default();
        if self.last_login {
            properties.set(UserProperty::IsLoggedIn, false)
        } else {
            properties
        }
    }
}

/// The link in the verification mail was used. Tells how many addresses are real.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct EmailVerified {
    /// ID of the mail link's row, not its secret.
    #[serde(skip)]
    pub token: Uuid,
}

impl Fact for EmailVerified {
    const NAME: &'static str = "Email verified";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("email-verified", self.token)
    }
}

/// A new password was set through the link in a mail. Tells how often people are locked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PasswordResetCompleted {
    /// ID of the mail link's row, not its secret.
    #[serde(skip)]
    pub token: Uuid,
}

impl Fact for PasswordResetCompleted {
    const NAME: &'static str = "Password reset completed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("password-reset-completed", self.token)
    }
}

fn logged_in(properties: UserProperties, date: &str) -> UserProperties {
    properties
        .set(UserProperty::IsLoggedIn, true)
        .set(UserProperty::LastLoginDate, date)
}
