//! The action of the form of the operator's pages.

use backend::operations::ReplayOutcome;
use forms::{Field, FieldError, FieldErrors};
use tracking::UserId;

use super::access::may_operate;
use super::model::{ActionOutcome, OperationsForm, ReplayTarget, state_named};
use crate::request::{self, RequestContext};

/// Replays a parked event, webhook, account deletion or change of an address. Returns the page with the same filter and the
/// outcome. It does nothing for a visitor who is not an operator: the page, rendered again, then answers 404.
pub async fn act(context: RequestContext, form: OperationsForm) -> Result<String, FieldErrors> {
    if !may_operate(&context) {
        return Err(FieldErrors::one(Field::FORM, FieldError::StalePage));
    }
    let outcome = match ReplayTarget::parse(&form.action) {
        // Postgres accepts no NUL in a text, and no ID contains one.
        Some(_) if form.id.contains('\0') => ActionOutcome::NotParked,
        Some(ReplayTarget::Event) => replay_event(&context, &form.id).await?,
        Some(ReplayTarget::Webhook) => replay_webhook(&context, &form.id).await?,
        Some(ReplayTarget::Deletion) => replay_deletion(&context, &form.id).await?,
        Some(ReplayTarget::Email) => replay_email(&context, &form.id).await?,
        None => ActionOutcome::Unknown,
    };
    let filter = state_named(&form.webhooks).map(|state| format!("&webhooks={}", state.as_str()));
    Ok(format!(
        "/operations?done={}{}",
        outcome.as_str(),
        filter.unwrap_or_default()
    ))
}

async fn replay_event(context: &RequestContext, insert_id: &str) -> Result<ActionOutcome, FieldErrors> {
    let replayed = context
        .backend
        .operations
        .replay(insert_id)
        .await
        .map_err(|error| request::internal(&error))?;
    Ok(match replayed {
        ReplayOutcome::Replayed => ActionOutcome::EventReplayed,
        ReplayOutcome::NotParked => ActionOutcome::NotParked,
        ReplayOutcome::ConsentWithdrawn => ActionOutcome::Withheld,
    })
}

async fn replay_webhook(context: &RequestContext, event_id: &str) -> Result<ActionOutcome, FieldErrors> {
    let replayed = context
        .backend
        .billing
        .replay(event_id)
        .await
        .map_err(|error| request::internal(&error))?;
    Ok(match replayed {
        true => ActionOutcome::WebhookReplayed,
        false => ActionOutcome::NotParked,
    })
}

async fn replay_email(context: &RequestContext, customer: &str) -> Result<ActionOutcome, FieldErrors> {
    let backend = &context.backend;
    let replayed = backend.billing.replay_customer_email(customer).await;
    if !replayed.map_err(|error| request::internal(&error))? {
        return Ok(ActionOutcome::NotParked);
    }
    backend.accounts.customer_email_wakeup().wake();
    Ok(ActionOutcome::EmailReplayed)
}

async fn replay_deletion(context: &RequestContext, user: &str) -> Result<ActionOutcome, FieldErrors> {
    let Some(user) = UserId::parse(user) else {
        return Ok(ActionOutcome::NotParked);
    };
    let replayed = context
        .backend
        .accounts
        .replay_deletion(user)
        .await
        .map_err(|error| request::internal(&error))?;
    Ok(match replayed {
        true => ActionOutcome::DeletionReplayed,
        false => ActionOutcome::NotParked,
    })
}
