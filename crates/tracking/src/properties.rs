//! The closed lists of the plan: values of event properties, and the user properties that the server sets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::touch::Touch;

/// The plan of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AccountType {
    /// No subscription, or an expired one.
    Free,
    /// A trial or a subscription that has not expired.
    Pro,
}

impl AccountType {
    /// The value of the user property.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
        }
    }
}

/// The state of a subscription. Stripe's status does not distinguish a canceled trial from a running one; this does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// In the trial; converts to a paid subscription.
    Trialing,
    /// In the trial; ends without a payment.
    TrialCanceled,
    /// Paid, or awaiting a renewal payment.
    Active,
    /// Paid; ends with the current period.
    Canceled,
    /// A payment failed and Stripe retries it.
    PastDue,
    /// Ended.
    Expired,
}

impl SubscriptionStatus {
    /// The value of the event property and of the user property.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trialing => "trialing",
            Self::TrialCanceled => "trial_canceled",
            Self::Active => "active",
            Self::Canceled => "canceled",
            Self::PastDue => "past_due",
            Self::Expired => "expired",
        }
    }

    /// The account's plan in this state: Pro until the subscription has expired.
    pub const fn account_type(self) -> AccountType {
        match self {
            Self::Trialing | Self::TrialCanceled | Self::Active | Self::Canceled | Self::PastDue => {
                AccountType::Pro
            }
            Self::Expired => AccountType::Free,
        }
    }
}

/// The user properties that the server sets. The browser may not set them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UserProperty {
    /// Our user ID.
    CustomerId,
    /// [`AccountType`].
    AccountType,
    /// The part of the email address after the `@`.
    EmailDomain,
    /// The full address, only if the operator enabled `TRACK_EMAIL`.
    Email,
    /// Date of the sign-up, `YYYY-MM-DD`, UTC. Set once.
    InitialSignupDate,
    /// Date of the last sign-in, `YYYY-MM-DD`, UTC.
    LastLoginDate,
    /// Whether the account has an open login in any browser.
    IsLoggedIn,
    /// Stripe's customer ID.
    StripeCustomerId,
    /// [`SubscriptionStatus`] fetched from Stripe when the event was created.
    SubscriptionStatus,
}

impl UserProperty {
    /// All of them. The ingest route rejects browser events that set one.
    pub const ALL: [Self; 9] = [
        Self::CustomerId,
        Self::AccountType,
        Self::EmailDomain,
        Self::Email,
        Self::InitialSignupDate,
        Self::LastLoginDate,
        Self::IsLoggedIn,
        Self::StripeCustomerId,
        Self::SubscriptionStatus,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CustomerId => "customer_id",
            Self::AccountType => "account_type",
            Self::EmailDomain => "email_domain",
            Self::Email => "email",
            Self::InitialSignupDate => "initial_signup_date",
            Self::LastLoginDate => "last_login_date",
            Self::IsLoggedIn => "is_logged_in",
            Self::StripeCustomerId => "stripe_customer_id",
            Self::SubscriptionStatus => "subscription_status",
        }
    }
}

/// User properties that an event sets, by operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserProperties {
    /// Values that replace earlier ones.
    pub set: BTreeMap<&'static str, Value>,
    /// Values that are kept once set.
    pub set_once: BTreeMap<&'static str, Value>,
}

impl UserProperties {
    /// Adds a value that replaces an earlier one.
    #[must_use]
    pub fn set(mut self, property: UserProperty, value: impl Into<Value>) -> Self {
        self.set.insert(property.name(), value.into());
        self
    }

    /// Adds a value that is used only if the user has none yet.
    #[must_use]
    pub fn set_once(mut self, property: UserProperty, value: impl Into<Value>) -> Self {
        self.set_once.insert(property.name(), value.into());
        self
    }

    /// Adds the first touch, under the names that the SDK's attribution uses.
    #[must_use]
    pub fn first_touch(mut self, touch: Option<&Touch>) -> Self {
        let properties = touch.into_iter().flat_map(Touch::user_properties);
        self.set_once
            .extend(properties.map(|(name, value)| (name, value.into())));
        self
    }

    /// Whether no property is set.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.set_once.is_empty()
    }
}

/// The serialized fields of an event, sorted by name, so that the JSON does not depend on `serde_json`'s features.
///
/// Events are structs of strings, numbers and enums, so serialization cannot fail; the golden files cover each one. If it
/// failed in production, the event would have no properties, and the request would still succeed.
pub(crate) fn fields_of(event: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(event) {
        Ok(Value::Object(mut fields)) => {
            fields.sort_keys();
            fields
        }
        other => {
            debug_assert!(false, "an event is a struct with named fields, not {other:?}");
            Map::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_str_equals_the_serialized_value() {
        use SubscriptionStatus as S;
        for status in [
            S::Trialing,
            S::TrialCanceled,
            S::Active,
            S::Canceled,
            S::PastDue,
            S::Expired,
        ] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        for account in [AccountType::Free, AccountType::Pro] {
            assert_eq!(serde_json::to_value(account).unwrap(), account.as_str());
        }
    }

    #[test]
    fn the_account_is_pro_until_the_subscription_has_expired() {
        use SubscriptionStatus as S;
        let rows = [
            (S::Trialing, AccountType::Pro),
            (S::TrialCanceled, AccountType::Pro),
            (S::Active, AccountType::Pro),
            (S::Canceled, AccountType::Pro),
            (S::PastDue, AccountType::Pro),
            (S::Expired, AccountType::Free),
        ];
        for (status, account) in rows {
            assert_eq!(status.account_type(), account, "{status:?}");
        }
    }
}
