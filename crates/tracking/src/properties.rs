//! The closed vocabularies of the plan: values that properties may have, and the user properties that the server owns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What an account may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AccountType {
    /// No subscription, or one that ended.
    Free,
    /// A trial or a subscription that has not ended yet.
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

/// Where a subscription stands, in words of the plan; Stripe's own status cannot tell a canceled trial from a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// In the trial, going on to be paid.
    Trialing,
    /// In the trial, which will end without payment.
    TrialCanceled,
    /// Paid, or about to be at a renewal.
    Active,
    /// Paid until the end of the period, and ending then.
    Canceled,
    /// A payment failed and Stripe still tries.
    PastDue,
    /// Ended.
    Expired,
}

impl SubscriptionStatus {
    /// The value of both the event and the user property.
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

    /// What the account may use meanwhile: Pro until the subscription has ended.
    pub const fn account_type(self) -> AccountType {
        match self {
            Self::Trialing | Self::TrialCanceled | Self::Active | Self::Canceled | Self::PastDue => {
                AccountType::Pro
            }
            Self::Expired => AccountType::Free,
        }
    }
}

/// How often a subscription is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Every month.
    Month,
    /// Every year.
    Year,
}

/// Every user property that the server sets. The browser may set none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UserProperty {
    /// Our user ID.
    CustomerId,
    /// [`AccountType`].
    AccountType,
    /// The part of the e-mail address after the `@`.
    EmailDomain,
    /// The address itself, only where the operator asked for it (`TRACK_EMAIL`).
    Email,
    /// Date of the sign-up, `YYYY-MM-DD`, UTC. Set once.
    InitialSignupDate,
    /// Date of the last sign-in, `YYYY-MM-DD`, UTC.
    LastLoginDate,
    /// Whether a login of the account is open anywhere.
    IsLoggedIn,
    /// Stripe's customer.
    StripeCustomerId,
    /// [`SubscriptionStatus`] as fetched when the event was made.
    SubscriptionStatus,
}

impl UserProperty {
    /// All of them: what the ingest route refuses in any operation.
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

/// User properties that ride on an event, by operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserProperties {
    /// Values that replace earlier ones.
    pub set: BTreeMap<&'static str, Value>,
    /// Values that only the first event sets.
    pub set_once: BTreeMap<&'static str, Value>,
}

impl UserProperties {
    /// Adds a value that replaces an earlier one.
    #[must_use]
    pub fn set(mut self, property: UserProperty, value: impl Into<Value>) -> Self {
        self.set.insert(property.name(), value.into());
        self
    }

    /// Adds a value that counts only if the user has none yet.
    #[must_use]
    pub fn set_once(mut self, property: UserProperty, value: impl Into<Value>) -> Self {
        self.set_once.insert(property.name(), value.into());
        self
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.set_once.is_empty()
    }
}

/// The serialised fields of an event, sorted, so that the text does not depend on how `serde_json` was built.
///
/// An event is a struct of strings, numbers and enums, so this cannot fail; the golden files prove it for each. Were
/// it ever to, an event without properties is better than a sign-up that fails for the sake of tracking.
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
    fn words_and_wire_values_agree() {
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
    fn pro_lasts_until_the_subscription_has_ended() {
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
