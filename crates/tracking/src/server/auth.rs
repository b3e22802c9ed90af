//! Auth events. All are present events: users sign up, in and out in a browser, in the request that confirms it.
//!
//! The only personal data is the domain of the email address, and the address itself if the operator enabled
//! `TRACK_EMAIL`. Dates and times are arguments of type text, because this crate has no clock and no calendar.

use serde::Serialize;
use uuid::Uuid;

use super::EventPayload;
use crate::ids::{InsertId, UserId};
use crate::properties::{AccountType, UserProperties, UserProperty};
use crate::touch::Touch;

/// A user created an account. Shows which sessions convert into accounts. The user is signed in too, so no sign-in event
/// follows. Sensitive: the domain of the email address, and the address itself if the operator enabled `TRACK_EMAIL`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SignUpCompleted {
    /// The part of the address after the `@`.
    #[serde(skip)]
    pub email_domain: String,
    /// The full address; `None` unless `TRACK_EMAIL` is enabled.
    #[serde(skip)]
    pub email: Option<String>,
    /// Date of the sign-up, `YYYY-MM-DD`, UTC.
    #[serde(skip)]
    pub signed_up_on: String,
    /// Where the user came from first; `None` if it is not known.
    #[serde(skip)]
    #[cfg_attr(feature = "catalog", schemars(skip))]
    pub first_touch: Option<Touch>,
}

impl EventPayload for SignUpCompleted {
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
        let properties = logged_in(properties, &self.signed_up_on).first_touch(self.first_touch.as_ref());
        match &self.email {
            Some(email) => properties.set(UserProperty::Email, email.as_str()),
            None => properties,
        }
    }
}

/// A user signed in to an existing account. Shows how often users return, and from how many browsers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SignInCompleted {
    /// The login that was created.
    #[serde(skip)]
    pub login: Uuid,
    /// Time of the sign-in, ISO 8601, UTC. Its date becomes `last_login_date`.
    #[serde(skip)]
    pub signed_in_at: String,
    /// Where the user came from first, if this browser is the first with a first touch.
    #[serde(skip)]
    #[cfg_attr(feature = "catalog", schemars(skip))]
    pub first_touch: Option<Touch>,
}

impl EventPayload for SignInCompleted {
    const NAME: &'static str = "Sign-in completed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("sign-in", self.login)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        let date = self
            .signed_in_at
            .split_once('T')
            .map_or(self.signed_in_at.as_str(), |(date, _)| date);
        logged_in(UserProperties::default(), date).first_touch(self.first_touch.as_ref())
    }
}

/// A user signed out. The last event of this user and device ID in the browser; a new device ID follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SignOutCompleted {
    /// The login that ended.
    #[serde(skip)]
    pub login: Uuid,
    /// Whether this was the account's last open login.
    #[serde(skip)]
    pub last_login: bool,
}

impl EventPayload for SignOutCompleted {
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

/// A user confirmed an address through an emailed link. Shows how many addresses are valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct EmailVerified {
    /// ID of the mail link's row, not its secret.
    #[serde(skip)]
    pub token: Uuid,
}

impl EventPayload for EmailVerified {
    const NAME: &'static str = "Email verified";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("email-verified", self.token)
    }
}

/// A user set a new password through an emailed link. Shows how often users lose access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PasswordResetCompleted {
    /// ID of the mail link's row, not its secret.
    #[serde(skip)]
    pub token: Uuid,
}

impl EventPayload for PasswordResetCompleted {
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
