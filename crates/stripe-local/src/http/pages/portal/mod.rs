//! The customer portal: its routes.

mod plan;
mod view;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    card_form::{FormFieldError, card_form, confirmation_page, field, hidden_card},
    error_page,
};
use crate::{
    api_error::ApiError,
    engine::{CardForm, Cause, CollectionOutcome, Operation, SubscriptionChange},
    form::{self, Patch},
    records::{
        CustomerRecord, FlowKind, InvoiceRecord, PortalConfigurationRecord, PortalSessionRecord,
        SubscriptionRecord,
    },
    stand_in::StripeStandIn,
};
use view::{cancel_page, card_page, overview_page};

/// The longest cancellation comment.
const MAX_COMMENT_CHARS: usize = 500;

/// A portal session with its customer and configuration.
struct PortalContext {
    session: PortalSessionRecord,
    configuration: PortalConfigurationRecord,
    customer: CustomerRecord,
}

impl PortalContext {
    fn find(operation: &Operation<'_>, id: &str) -> Result<Self, ApiError> {
        let session = operation.find::<PortalSessionRecord>("billing_portal.session", id, "id")?;
        Ok(Self {
            configuration: operation.find("configuration", &session.configuration, "id")?,
            customer: operation.find_customer(&session.customer, "id")?,
            session,
        })
    }

    /// A subscription of this customer. Fails with `resource_missing` if it belongs to another customer or has ended.
    fn subscription(&self, operation: &Operation<'_>, id: &str) -> Result<SubscriptionRecord, ApiError> {
        let subscription = operation.find::<SubscriptionRecord>("subscription", id, "id")?;
        if subscription.customer != self.customer.id || subscription.has_ended() {
            return Err(ApiError::no_such_object("subscription", id, "id"));
        }
        Ok(subscription)
    }

    fn path(&self) -> String {
        format!("/p/session/{}", self.session.id)
    }

    /// Where the browser is redirected after an action.
    fn redirect_after(&self, kind: FlowKind) -> String {
        let flow = self.session.flow.as_ref().filter(|flow| flow.kind == kind);
        flow.and_then(|flow| flow.redirect.clone())
            .unwrap_or_else(|| self.path())
    }
}

async fn run<T: Send + 'static>(
    stand_in: &StripeStandIn,
    action: impl FnOnce(&mut Operation<'_>) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    stand_in.run(String::new(), Cause::default(), action).await
}

fn or_error_page(result: Result<Response, ApiError>) -> Response {
    result.unwrap_or_else(|error| error_page(&error))
}

/// `GET /p/session/{session}`: the overview, or the first page of the session's flow
pub(crate) async fn show(State(stand_in): State<StripeStandIn>, Path(id): Path<String>) -> Response {
    or_error_page(
        run(&stand_in, move |operation| {
            let context = PortalContext::find(operation, &id)?;
            Ok(overview_page(operation, &context))
        })
        .await,
    )
}

/// `GET /p/session/{session}/cancel/{subscription}`
pub(crate) async fn show_cancel(
    State(stand_in): State<StripeStandIn>,
    Path((id, subscription)): Path<(String, String)>,
) -> Response {
    or_error_page(
        run(&stand_in, move |operation| {
            let context = PortalContext::find(operation, &id)?;
            let subscription = context.subscription(operation, &subscription)?;
            Ok(cancel_page(operation, &context, &subscription))
        })
        .await,
    )
}

/// `POST /p/session/{session}/cancel/{subscription}`
pub(crate) async fn cancel(
    State(stand_in): State<StripeStandIn>,
    Path((id, subscription)): Path<(String, String)>,
    body: String,
) -> Response {
    let form = form::fields(&body);
    let form_text = |name: &str| Some(field(&form, name)).filter(|text| !text.is_empty());
    let comment = form_text("comment").map(|text| text.chars().take(MAX_COMMENT_CHARS).collect::<String>());
    let feedback = form_text("feedback");
    or_error_page(
        run(&stand_in, move |operation| {
            let context = PortalContext::find(operation, &id)?;
            let subscription = context.subscription(operation, &subscription)?;
            if !context.configuration.subscription_cancel {
                return Err(ApiError::invalid_request(
                    "This portal does not cancel subscriptions.",
                ));
            }
            let comment = comment.map(Patch::Set);
            let feedback = feedback
                .filter(|word| context.configuration.cancellation_reasons.contains(word))
                .map(Patch::Set);
            if context.configuration.cancel_immediately {
                operation.cancel_now(&subscription.id, comment, feedback);
            } else {
                operation.apply_change(
                    &subscription.id,
                    SubscriptionChange {
                        cancel_at_period_end: Some(true),
                        in_portal: true,
                        comment,
                        feedback,
                        ..SubscriptionChange::default()
                    },
                )?;
            }
            Ok(Redirect::to(&context.redirect_after(FlowKind::SubscriptionCancel)).into_response())
        })
        .await,
    )
}

/// `POST /p/session/{session}/renew/{subscription}`
pub(crate) async fn renew(
    State(stand_in): State<StripeStandIn>,
    Path((id, subscription)): Path<(String, String)>,
) -> Response {
    or_error_page(
        run(&stand_in, move |operation| {
            let context = PortalContext::find(operation, &id)?;
            let subscription = context.subscription(operation, &subscription)?;
            let change = SubscriptionChange {
                cancel_at: Some(Patch::Clear),
                in_portal: true,
                ..SubscriptionChange::default()
            };
            operation.apply_change(&subscription.id, change)?;
            Ok(Redirect::to(&context.path()).into_response())
        })
        .await,
    )
}

/// `GET /p/session/{session}/card`
pub(crate) async fn show_card(State(stand_in): State<StripeStandIn>, Path(id): Path<String>) -> Response {
    or_error_page(
        run(&stand_in, move |operation| {
            let context = PortalContext::find(operation, &id)?;
            Ok(card_page(&context, &CardForm::default(), None))
        })
        .await,
    )
}

/// `POST /p/session/{session}/card`: adds a card and makes it the default
pub(crate) async fn update_card(
    State(stand_in): State<StripeStandIn>,
    Path(id): Path<String>,
    body: String,
) -> Response {
    let card = card_form(&body);
    or_error_page(
        run(&stand_in, move |operation| {
            let context = PortalContext::find(operation, &id)?;
            if !context.configuration.payment_method_update {
                return Err(ApiError::invalid_request("This portal does not change cards."));
            }
            let result = operation.attempt_or_undo(|operation| {
                let method = operation.card_from_form(&card)?;
                operation.set_up_card(&method, &context.customer.id, card.confirmed)?;
                operation.make_default_card(context.customer.clone(), &method.id);
                Ok(())
            });
            Ok(match result {
                Ok(()) => {
                    Redirect::to(&context.redirect_after(FlowKind::PaymentMethodUpdate)).into_response()
                }
                Err(error) if error.needs_confirmation() => {
                    let path = format!("{}/card", context.path());
                    confirmation_page(&path, &path, &hidden_card(&card))
                }
                Err(error) => card_page(&context, &card, Some(&FormFieldError::from_api_error(&error))),
            })
        })
        .await,
    )
}

/// `POST /p/session/{session}/pay/{invoice}`: pays an open invoice with the default card
pub(crate) async fn pay(
    State(stand_in): State<StripeStandIn>,
    Path((id, invoice)): Path<(String, String)>,
) -> Response {
    or_error_page(
        run(&stand_in, move |operation| {
            let context = PortalContext::find(operation, &id)?;
            let invoice_record = operation.find::<InvoiceRecord>("invoice", &invoice, "id")?;
            if invoice_record.customer != context.customer.id {
                return Err(ApiError::no_such_object("invoice", &invoice, "id"));
            }
            Ok(match operation.collect_invoice(&invoice, None, true)? {
                CollectionOutcome::Failed(decline) => {
                    let fault = FormFieldError::from_api_error(&ApiError::card_declined(
                        &decline.code,
                        None,
                        &decline.message,
                    ));
                    card_page(&context, &CardForm::default(), Some(&fault))
                }
                _ => Redirect::to(&context.path()).into_response(),
            })
        })
        .await,
    )
}
