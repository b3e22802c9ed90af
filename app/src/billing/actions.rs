//! The actions of the forms of billing. Each returns the URL to load next: a page of Stripe or one of ours.

use std::time::Duration;

use backend::accounts::Login;
use backend::billing::{BillingError, ClockTarget, Order};
use forms::{Field, FieldError, FieldErrors};

use super::model::{BillingAction, BillingActionForm, CheckoutForm, return_path};
use crate::document::form_id;
use crate::request::{self, RequestContext};

/// How long a post waits for the webhook that it causes. Usually the webhook comes first, and the next page shows the
/// change. Otherwise that page goes on waiting.
const PATIENCE: Duration = Duration::from_secs(3);

/// Starts Stripe's Checkout.
pub async fn start_checkout(context: RequestContext, form: CheckoutForm) -> Result<String, FieldErrors> {
    let login = context.signed_in()?;
    context.count_stripe_call(login)?;
    let order = Order {
        interval: form.interval(),
        click: form_id(&form.form),
    };
    let started = context
        .backend
        .billing
        .start_checkout(&login.user, order, &context.visitor)
        .await;
    match started {
        Err(BillingError::CheckoutCompleted { checkout }) => Ok(return_path(&checkout)),
        started => started.map_err(errors),
    }
}

/// Does what a button of the billing page says. A button that the page does not have does nothing.
pub async fn change(context: RequestContext, form: BillingActionForm) -> Result<String, FieldErrors> {
    let Some(action) = BillingAction::parse(&form.action) else {
        return Ok("/billing".to_owned());
    };
    let login = context.signed_in()?;
    context.count_stripe_call(login)?;
    let click = form_id(&form.form);
    let (billing, user, visitor) = (&context.backend.billing, &login.user, &context.visitor);
    let before = billing.revision(user.id).await;
    let before = before.map_err(|error| request::internal(&error))?;
    match action {
        BillingAction::Cancel => billing.cancel(user, click, visitor).await.map_err(errors)?,
        BillingAction::Resume => billing.resume(user, click, visitor).await.map_err(errors)?,
        BillingAction::Yearly => billing
            .change_to_yearly(user, click, visitor)
            .await
            .map_err(errors)?,
        BillingAction::Portal | BillingAction::AddCard => {
            let add_card = action == BillingAction::AddCard;
            return billing
                .open_portal(user, click, add_card, visitor)
                .await
                .map_err(errors);
        }
        BillingAction::Jump(jump) => move_clock(&context, login, jump).await?,
    }
    wait_for_webhook(&context, login, before).await
}

/// Moves the clock of the stand-in for Stripe. With a real key there is none to move.
async fn move_clock(context: &RequestContext, login: &Login, jump: ClockTarget) -> Result<(), FieldErrors> {
    let billing = &context.backend.billing;
    let overview = billing
        .overview(&login.user)
        .await
        .map_err(|error| request::internal(&error))?;
    let (Some(clock), Some(subscription)) = (billing.stripe_clock(), overview.subscription) else {
        return Err(form_error(FieldError::NotSubscribed));
    };
    clock.advance_to(&subscription.id, jump).await.map_err(|error| {
        tracing::warn!(%error, "cannot move the clock of the stand-in for Stripe");
        form_error(FieldError::ChangeNotAllowed)
    })
}

/// The billing page: as changed if the webhook comes in time, else waiting for it.
async fn wait_for_webhook(
    context: &RequestContext,
    login: &Login,
    before: i64,
) -> Result<String, FieldErrors> {
    let changed = context
        .backend
        .billing
        .wait_for_change(login.user.id, before, PATIENCE)
        .await;
    Ok(if changed {
        "/billing".to_owned()
    } else {
        format!("/billing?since={before}")
    })
}

fn form_error(error: FieldError) -> FieldErrors {
    FieldErrors::one(Field::FORM, error)
}

/// The error that the page shows. Failures of ours and of Stripe are logged, once, here.
fn errors(error: BillingError) -> FieldErrors {
    form_error(match error {
        BillingError::AlreadySubscribed | BillingError::CheckoutCompleted { .. } => FieldError::AlreadyPro,
        BillingError::Suspended => FieldError::Suspended,
        BillingError::CustomerDeleted => FieldError::CustomerDeleted,
        BillingError::NotSubscribed => FieldError::NotSubscribed,
        BillingError::ChangeNotAllowed => FieldError::ChangeNotAllowed,
        BillingError::StalePage => FieldError::StalePage,
        BillingError::NoCatalog => {
            tracing::error!("{error}");
            FieldError::NotForSale
        }
        BillingError::Stripe(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a request to Stripe failed"
            );
            FieldError::StripeUnavailable
        }
        BillingError::Database(error) => return request::internal(&error),
    })
}
