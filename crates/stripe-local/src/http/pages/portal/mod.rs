//! The customer portal: what one has, what one pays with, what one paid.

mod plan;
mod view;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{Fault, card_form, confirmation, field, hidden_card, notice};
use crate::{
    engine::{CardForm, Cause, Collected, SubscriptionChange, Work},
    failure::Failure,
    form::{self, Patch},
    stripe::Stripe,
    world::{Customer, FlowKind, Invoice, PortalConfiguration, PortalSession, Subscription},
};
use view::{cancel_page, card_page, overview};

/// Most characters of a comment.
const MOST_COMMENT_CHARS: usize = 500;

/// A session with everything that its pages are about.
struct Visit {
    session: PortalSession,
    configuration: PortalConfiguration,
    customer: Customer,
}

impl Visit {
    fn find(work: &Work<'_>, id: &str) -> Result<Self, Failure> {
        let session = work.find::<PortalSession>("billing_portal.session", id, "id")?;
        Ok(Self {
            configuration: work.find("configuration", &session.configuration, "id")?,
            customer: work.customer(&session.customer, "id")?,
            session,
        })
    }

    /// One of the customer's own subscriptions that is not over.
    fn subscription(&self, work: &Work<'_>, id: &str) -> Result<Subscription, Failure> {
        let subscription = work.find::<Subscription>("subscription", id, "id")?;
        if subscription.customer != self.customer.id || subscription.is_over() {
            return Err(Failure::missing("subscription", id, "id"));
        }
        Ok(subscription)
    }

    fn path(&self) -> String {
        format!("/p/session/{}", self.session.id)
    }

    /// Where the browser goes when something was done.
    fn after(&self, kind: FlowKind) -> String {
        let flow = self.session.flow.as_ref().filter(|flow| flow.kind == kind);
        flow.and_then(|flow| flow.redirect.clone())
            .unwrap_or_else(|| self.path())
    }
}

async fn run<T: Send + 'static>(
    stripe: &Stripe,
    operation: impl FnOnce(&mut Work<'_>) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    stripe.run(String::new(), Cause::default(), operation).await
}

fn shown(result: Result<Response, Failure>) -> Response {
    result.unwrap_or_else(|failure| notice(&failure))
}

/// `GET /p/session/{session}`: the first page, or the one that the flow begins with
pub(crate) async fn show(State(stripe): State<Stripe>, Path(id): Path<String>) -> Response {
    shown(
        run(&stripe, move |work| {
            let visit = Visit::find(work, &id)?;
            Ok(overview(work, &visit))
        })
        .await,
    )
}

/// `GET /p/session/{session}/cancel/{subscription}`
pub(crate) async fn ask_cancel(
    State(stripe): State<Stripe>,
    Path((id, subscription)): Path<(String, String)>,
) -> Response {
    shown(
        run(&stripe, move |work| {
            let visit = Visit::find(work, &id)?;
            let subscription = visit.subscription(work, &subscription)?;
            Ok(cancel_page(work, &visit, &subscription))
        })
        .await,
    )
}

/// `POST /p/session/{session}/cancel/{subscription}`
pub(crate) async fn cancel(
    State(stripe): State<Stripe>,
    Path((id, subscription)): Path<(String, String)>,
    body: String,
) -> Response {
    let form = form::parse(&body);
    let said = |name: &str| Some(field(&form, name)).filter(|text| !text.is_empty());
    let comment = said("comment").map(|text| text.chars().take(MOST_COMMENT_CHARS).collect::<String>());
    let feedback = said("feedback");
    shown(
        run(&stripe, move |work| {
            let visit = Visit::find(work, &id)?;
            let subscription = visit.subscription(work, &subscription)?;
            if !visit.configuration.subscription_cancel {
                return Err(Failure::invalid("This portal does not cancel subscriptions."));
            }
            let comment = comment.map(Patch::Set);
            let feedback = feedback
                .filter(|word| visit.configuration.cancellation_reasons.contains(word))
                .map(Patch::Set);
            if visit.configuration.cancel_immediately {
                work.cancel_now(&subscription.id, comment, feedback);
            } else {
                work.change(
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
            Ok(Redirect::to(&visit.after(FlowKind::SubscriptionCancel)).into_response())
        })
        .await,
    )
}

/// `POST /p/session/{session}/renew/{subscription}`
pub(crate) async fn renew(
    State(stripe): State<Stripe>,
    Path((id, subscription)): Path<(String, String)>,
) -> Response {
    shown(
        run(&stripe, move |work| {
            let visit = Visit::find(work, &id)?;
            let subscription = visit.subscription(work, &subscription)?;
            let change = SubscriptionChange {
                cancel_at: Some(Patch::Clear),
                in_portal: true,
                ..SubscriptionChange::default()
            };
            work.change(&subscription.id, change)?;
            Ok(Redirect::to(&visit.path()).into_response())
        })
        .await,
    )
}

/// `GET /p/session/{session}/card`
pub(crate) async fn ask_card(State(stripe): State<Stripe>, Path(id): Path<String>) -> Response {
    shown(
        run(&stripe, move |work| {
            let visit = Visit::find(work, &id)?;
            Ok(card_page(&visit, &CardForm::default(), None))
        })
        .await,
    )
}

/// `POST /p/session/{session}/card`: a new card, which becomes the default
pub(crate) async fn update_card(
    State(stripe): State<Stripe>,
    Path(id): Path<String>,
    body: String,
) -> Response {
    let card = card_form(&body);
    shown(
        run(&stripe, move |work| {
            let visit = Visit::find(work, &id)?;
            if !visit.configuration.payment_method_update {
                return Err(Failure::invalid("This portal does not change cards."));
            }
            let added = work.attempt(|work| {
                let method = work.typed_card(&card)?;
                work.set_up(&method, &visit.customer.id, card.confirmed)?;
                work.make_default(visit.customer.clone(), &method.id);
                Ok(())
            });
            Ok(match added {
                Ok(()) => Redirect::to(&visit.after(FlowKind::PaymentMethodUpdate)).into_response(),
                Err(failure) if failure.asks_for_confirmation() => {
                    let path = format!("{}/card", visit.path());
                    confirmation(&path, &path, &hidden_card(&card))
                }
                Err(failure) => card_page(&visit, &card, Some(&Fault::of(&failure))),
            })
        })
        .await,
    )
}

/// `POST /p/session/{session}/pay/{invoice}`: an open invoice, with the card that there is
pub(crate) async fn pay(
    State(stripe): State<Stripe>,
    Path((id, invoice)): Path<(String, String)>,
) -> Response {
    shown(
        run(&stripe, move |work| {
            let visit = Visit::find(work, &id)?;
            let found = work.find::<Invoice>("invoice", &invoice, "id")?;
            if found.customer != visit.customer.id {
                return Err(Failure::missing("invoice", &invoice, "id"));
            }
            Ok(match work.collect(&invoice, None, true)? {
                Collected::Failed(decline) => {
                    let fault = Fault::of(&Failure::card(&decline.code, None, &decline.message));
                    card_page(&visit, &CardForm::default(), Some(&fault))
                }
                _ => Redirect::to(&visit.path()).into_response(),
            })
        })
        .await,
    )
}
