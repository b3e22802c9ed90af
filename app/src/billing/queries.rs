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
        had_trial: false,
        trial_days: billing.trial_days(),
    };
    if let Some(login) = &context.login {
        let overview = billing.overview(&login.user).await?;
        let status = overview.subscription.map(|subscription| subscription.status);
        pricing.is_pro = status.is_some_and(|status| status != SubscriptionStatus::Expired);
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
