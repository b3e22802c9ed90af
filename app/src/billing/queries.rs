//! What the pages of billing read.

use backend::accounts::Login;
use backend::billing::{BillingError, CheckoutState};
use backend::dates;
use tracking::SubscriptionStatus;

use super::labels;
use super::model::{BillingView, CheckoutOutcome, CheckoutReturn, ClockView, PricingView};
use crate::visit::Visit;

/// What is for sale to this visitor.
pub async fn pricing(visit: &Visit) -> Result<PricingView, BillingError> {
    let billing = &visit.backend.billing;
    let mut pricing = PricingView {
        signed_in: visit.login.is_some(),
        is_pro: false,
        had_trial: false,
        trial_days: billing.trial_days(),
    };
    if let Some(login) = &visit.login {
        let overview = billing.overview(&login.user).await?;
        let status = overview.standing.map(|standing| standing.state);
        pricing.is_pro = status.is_some_and(|status| status != SubscriptionStatus::Expired);
        pricing.had_trial = overview.had_trial;
    }
    Ok(pricing)
}

/// The account's billing. `None` if no user is signed in.
pub async fn billing(visit: &Visit) -> Result<Option<BillingView>, BillingError> {
    let Some(login) = &visit.login else {
        return Ok(None);
    };
    let overview = visit.backend.billing.overview(&login.user).await?;
    let clock_ahead = match overview.standing {
        Some(_) => stand_in_clock(visit).await,
        None => None,
    };
    let now = visit.backend.clock.now_ms().div_euclid(1000) + clock_ahead.unwrap_or_default();
    Ok(Some(BillingView {
        subscription: overview
            .standing
            .map(|standing| labels::subscription(&standing, now)),
        invoices: overview.invoices.into_iter().map(labels::invoice).collect(),
        revision: overview.revision,
        clock: clock_ahead.map(|ahead| ClockView {
            today: dates::long(now),
            days_ahead: ahead / 86_400,
        }),
    }))
}

/// By how many seconds the stand-in's clock is ahead. `None` with a real key, and if the stand-in does not answer.
async fn stand_in_clock(visit: &Visit) -> Option<i64> {
    let clock = visit.backend.billing.stripe_clock()?;
    clock
        .ahead()
        .await
        .inspect_err(|error| tracing::warn!(%error, "cannot read the clock of the stand-in for Stripe"))
        .ok()
}

/// The status of one of the account's Checkout sessions.
pub async fn checkout_return(
    visit: &Visit,
    login: &Login,
    checkout: &str,
) -> Result<CheckoutReturn, BillingError> {
    let billing = &visit.backend.billing;
    let revision = billing.revision(login.user.id).await?;
    let outcome = match billing.checkout_state(&login.user, checkout).await? {
        None => CheckoutOutcome::NotFound,
        Some(CheckoutState::Open { url }) => CheckoutOutcome::Left { url },
        Some(CheckoutState::Waiting) => CheckoutOutcome::Waiting,
        Some(CheckoutState::Done) => CheckoutOutcome::Done,
        Some(CheckoutState::Expired) => CheckoutOutcome::Expired,
        Some(CheckoutState::Unknown) => CheckoutOutcome::Unknown,
    };
    Ok(CheckoutReturn { outcome, revision })
}
