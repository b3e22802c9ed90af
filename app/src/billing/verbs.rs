//! What the pages ask of billing, for server functions and form posts alike.

use std::time::Duration;

use backend::accounts::Login;
use backend::billing::{BillingError, CheckoutState, Jump, Order};
use backend::dates;
use forms::{Faults, Field, Problem};
use leptos::prelude::ServerFnError;
use tracking::Interval;
use uuid::Uuid;

use super::facts::{Action, Billing, Clock, Returned};
use super::words;
use crate::visit::{self, Visit};

/// How long a post waits for the webhook that it causes. Mostly the next page shows the change then; where it does not,
/// that page waits on.
const PATIENCE: Duration = Duration::from_secs(3);

/// Prices, and how the visitor stands to them.
pub(super) async fn billing(visit: &Visit) -> Result<Billing, ServerFnError> {
    let backend = &visit.backend.billing;
    let mut billing = Billing {
        signed_in: visit.login.is_some(),
        standing: None,
        had_trial: false,
        trial_days: backend.trial_days(),
        invoices: Vec::new(),
        revision: 0,
        clock: None,
    };
    let Some(login) = &visit.login else {
        return Ok(billing);
    };
    let overview = backend.overview(&login.user).await.map_err(|error| {
        tracing::error!(%error, "cannot read an account's billing");
        ServerFnError::new("Your billing cannot be read right now.")
    })?;
    let mut now = visit.backend.clock.now_ms().div_euclid(1000);
    if let (Some(_), Some(clock)) = (&overview.standing, backend.stripe_clock()) {
        match clock.ahead().await {
            Ok(ahead) => {
                now += ahead;
                billing.clock = Some(Clock {
                    today: dates::long(now),
                    days_ahead: ahead / 86_400,
                });
            }
            Err(error) => tracing::warn!(%error, "cannot read the clock of the stand-in for Stripe"),
        }
    }
    billing.standing = overview.standing.map(|standing| words::standing(&standing, now));
    billing.had_trial = overview.had_trial;
    billing.invoices = overview.invoices.into_iter().map(words::invoice).collect();
    billing.revision = overview.revision;
    Ok(billing)
}

/// How a Checkout session of the visitor's stands.
pub(super) async fn returned(visit: &Visit, checkout: &str) -> Result<Returned, ServerFnError> {
    let Some(login) = &visit.login else {
        return Ok(Returned::SignedOut);
    };
    let state = visit.backend.billing.checkout_state(&login.user, checkout).await;
    Ok(match state {
        Ok(None) => Returned::NotTheirs,
        Ok(Some(CheckoutState::Open { url })) => Returned::Left { url },
        Ok(Some(CheckoutState::Waiting)) => Returned::Waiting,
        Ok(Some(CheckoutState::Done)) => Returned::Done,
        Ok(Some(CheckoutState::Expired)) => Returned::Expired,
        Ok(Some(CheckoutState::Unknown)) => Returned::Unknown,
        Err(error) => {
            tracing::error!(%error, "cannot tell how a Checkout session stands");
            Returned::Unknown
        }
    })
}

/// To Stripe's Checkout page: its URL, or that of a page of ours which says more.
pub async fn start_checkout(visit: &Visit, interval: Interval, click: Uuid) -> Result<String, Faults> {
    let login = signed_in(visit)?;
    let order = Order { interval, click };
    match visit
        .backend
        .billing
        .start_checkout(&login.user, order, &visit.visitor)
        .await
    {
        Err(BillingError::CheckoutCompleted { checkout }) => {
            Ok(format!("/billing/return?checkout={checkout}"))
        }
        answered => answered.map_err(faults),
    }
}

/// Carries out what the billing page's form asks for, and tells where to go then.
pub async fn change(visit: &Visit, action: Action, click: Uuid) -> Result<String, Faults> {
    let login = signed_in(visit)?;
    let (billing, user, visitor) = (&visit.backend.billing, &login.user, &visit.visitor);
    let before = billing
        .revision(user.id)
        .await
        .map_err(|error| visit::internal(&error))?;
    match action {
        Action::Cancel => billing.cancel(user, click, visitor).await,
        Action::Resume => billing.resume(user, click, visitor).await,
        Action::Yearly => billing.change_to_yearly(user, click, visitor).await,
        Action::Portal => {
            return billing
                .open_portal(user, click, false, visitor)
                .await
                .map_err(faults);
        }
        Action::AddCard => {
            return billing
                .open_portal(user, click, true, visitor)
                .await
                .map_err(faults);
        }
        Action::JumpTrialEnd => return jump(visit, login, Jump::TrialEnd, before).await,
        Action::JumpRenewal => return jump(visit, login, Jump::Renewal, before).await,
        Action::JumpPayment => return jump(visit, login, Jump::Payment, before).await,
    }
    .map_err(faults)?;
    after(visit, login, before).await
}

/// Moves the clock of the stand-in for Stripe. With a real key there is none to move.
async fn jump(visit: &Visit, login: &Login, jump: Jump, before: i64) -> Result<String, Faults> {
    let billing = &visit.backend.billing;
    let overview = billing
        .overview(&login.user)
        .await
        .map_err(|error| visit::internal(&error))?;
    let (Some(clock), Some(standing)) = (billing.stripe_clock(), overview.standing) else {
        return Err(fault(Problem::NotSubscribed));
    };
    if let Err(error) = clock.jump(&standing.subscription, jump).await {
        tracing::warn!(%error, "the clock of the stand-in for Stripe stays where it is");
        return Err(fault(Problem::NotAsItStands));
    }
    after(visit, login, before).await
}

/// The billing page, once the webhook has come, or waiting for it.
async fn after(visit: &Visit, login: &Login, before: i64) -> Result<String, Faults> {
    let changed = visit
        .backend
        .billing
        .wait_for_change(login.user.id, before, PATIENCE)
        .await
        .map_err(|error| visit::internal(&error))?;
    Ok(if changed {
        "/billing".to_owned()
    } else {
        format!("/billing?since={before}")
    })
}

fn signed_in(visit: &Visit) -> Result<&Login, Faults> {
    visit.login.as_ref().ok_or_else(|| fault(Problem::SignedOut))
}

fn fault(problem: Problem) -> Faults {
    Faults::one(Field::Form, problem)
}

/// What the page says when billing did nothing. What is ours or Stripe's is logged, once, here.
fn faults(error: BillingError) -> Faults {
    fault(match error {
        BillingError::AlreadySubscribed | BillingError::CheckoutCompleted { .. } => Problem::AlreadyPro,
        BillingError::NotSubscribed => Problem::NotSubscribed,
        BillingError::NotAsItStands => Problem::NotAsItStands,
        BillingError::StalePage => Problem::StalePage,
        BillingError::NoCatalog => {
            tracing::error!("{error}");
            Problem::NotForSale
        }
        BillingError::Stripe(fault) => {
            tracing::error!(
                error = &fault as &dyn std::error::Error,
                "Stripe did not do what was asked"
            );
            Problem::StripeUnavailable
        }
        BillingError::Database(error) => return visit::internal(&error),
    })
}
