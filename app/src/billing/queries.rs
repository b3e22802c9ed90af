//! Reads the data of the billing pages.

use backend::billing::BillingError;
use tracking::SubscriptionStatus;

use super::model::PricingView;
use crate::request::RequestContext;

/// What is for sale to this visitor.
pub async fn pricing(context: &RequestContext) -> Result<PricingView, BillingError> {
    let billing = &context.backend.billing;
    let mut pricing = PricingView {
        signed_in: context.login.is_some(),
        is_pro: false,
        is_suspended: false,
        had_trial: false,
        trial_days: billing.trial_days(),
    };
    if let Some(login) = &context.login {
        let overview = billing.overview(&login.user).await?;
        if let Some(subscription) = overview.subscription {
            pricing.is_pro = subscription.status != SubscriptionStatus::Expired;
            pricing.is_suspended = subscription.suspension.is_some();
        }
        pricing.had_trial = overview.had_trial;
    }
    Ok(pricing)
}

/// By how many seconds the stand-in's clock is ahead. `None` with a real key, and if the stand-in does not answer.
pub async fn stand_in_clock(context: &RequestContext) -> Option<i64> {
    let clock = context.backend.billing.stripe_clock()?;
    clock
        .ahead_secs()
        .await
        .inspect_err(|error| tracing::warn!(%error, "cannot read the clock of the stand-in for Stripe"))
        .ok()
}
