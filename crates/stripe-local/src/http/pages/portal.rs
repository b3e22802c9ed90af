//! The customer portal: what one has, what one pays with, what one paid.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    card_fields, card_form, confirmation, date, error_line, escape, field, hidden_card, notice, page,
};
use crate::{
    engine::{CardForm, Cause, Collected, SubscriptionChange, Work},
    failure::Failure,
    form::{self, Patch},
    money::amount_in_words,
    stripe::Stripe,
    world::{
        Customer, FlowKind, Invoice, InvoiceStatus, PaymentMethod, PortalConfiguration, PortalSession, Price,
        Product, Status, Subscription,
    },
};

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

fn overview(work: &Work<'_>, visit: &Visit) -> Response {
    // A flow whose subscription is canceled already shows the first page.
    if let Some(flow) = &visit.session.flow {
        let open = flow
            .subscription
            .as_deref()
            .and_then(|id| visit.subscription(work, id).ok());
        match (flow.kind, open) {
            (FlowKind::PaymentMethodUpdate, _) if visit.customer.default_payment_method.is_none() => {
                return Redirect::to(&format!("{}/card", visit.path())).into_response();
            }
            (FlowKind::SubscriptionCancel, Some(subscription)) if subscription.ends_at().is_none() => {
                return Redirect::to(&format!("{}/cancel/{}", visit.path(), subscription.id)).into_response();
            }
            _ => {}
        }
    }
    let subscriptions: String = work
        .world
        .all::<Subscription>()
        .filter(|subscription| subscription.customer == visit.customer.id && !subscription.is_over())
        .map(|subscription| plan(work, visit, subscription))
        .collect();
    let subscriptions = if subscriptions.is_empty() {
        "<p class=\"soft\">You have no subscription.</p>".to_owned()
    } else {
        subscriptions
    };
    let body = format!(
        "<h2>Current plan</h2>{subscriptions}{}{}",
        cards(work, visit),
        invoices(work, visit)
    );
    frame(visit, &body)
}

fn frame(visit: &Visit, body: &str) -> Response {
    let back = visit.session.return_url.as_ref().map_or(String::new(), |url| {
        format!(
            "<a class=\"back\" href=\"{}\">← Return to the site</a>",
            escape(url)
        )
    });
    let headline = visit
        .configuration
        .headline
        .as_deref()
        .unwrap_or("Manage your subscription and billing");
    let body = format!(
        r#"<main class="two"><section class="aside" aria-label="Account"><div><p class="soft">Local test account <span class="badge">TEST MODE</span></p><h1>{}</h1><p class="soft">{}</p>{back}</div></section><section aria-label="Billing"><div>{body}</div></section></main>"#,
        escape(headline),
        escape(visit.customer.email.as_deref().unwrap_or_default()),
    );
    page(StatusCode::OK, "Billing", "", &body)
}

/// Name and cost of a subscription.
fn describe(work: &Work<'_>, subscription: &Subscription) -> (String, String) {
    let mut names = Vec::new();
    let mut amount = 0;
    for item in &subscription.items {
        if let Some(price) = work.world.get::<Price>(&item.price) {
            amount += price.unit_amount * item.quantity;
            let product = work.world.get::<Product>(&price.product);
            names.push(product.map_or_else(|| price.product.clone(), |product| product.name.clone()));
        }
    }
    let cost = amount_in_words(amount, &subscription.currency);
    (
        names.join(", "),
        format!("{cost} per {}", subscription.recurring.interval.as_str()),
    )
}

fn plan(work: &Work<'_>, visit: &Visit, subscription: &Subscription) -> String {
    let (name, cost) = describe(work, subscription);
    let state = match (subscription.ends_at(), subscription.status) {
        (Some(at), _) => format!("Your plan will be canceled on {}.", date(at)),
        (None, Status::Trialing) => format!("Your trial ends on {}.", date(subscription.period.end)),
        (None, Status::PastDue) => "Your last payment failed. Update your card to keep your plan.".to_owned(),
        (None, Status::Unpaid | Status::Incomplete) => "Your plan waits for a payment.".to_owned(),
        (None, Status::Paused) => "Your plan is paused.".to_owned(),
        (None, _) => format!("Your plan renews on {}.", date(subscription.period.end)),
    };
    let path = visit.path();
    let id = escape(&subscription.id);
    let action = if !visit.configuration.subscription_cancel {
        String::new()
    } else if subscription.ends_at().is_some() {
        format!(
            "<form method=\"post\" action=\"{path}/renew/{id}\"><button class=\"primary\">Don’t cancel subscription</button></form>"
        )
    } else {
        format!("<a class=\"button\" href=\"{path}/cancel/{id}\">Cancel subscription</a>")
    };
    format!(
        "<div class=\"row\"><div><p><strong>{}</strong></p><p class=\"price\">{}</p><p class=\"soft\">{}</p></div><div class=\"actions\">{action}</div></div>",
        escape(&name),
        escape(&cost),
        escape(&state)
    )
}

fn cards(work: &Work<'_>, visit: &Visit) -> String {
    if !visit.configuration.payment_method_update {
        return String::new();
    }
    let list: String = work
        .world
        .all::<PaymentMethod>()
        .filter(|method| method.customer.as_deref() == Some(visit.customer.id.as_str()))
        .map(|method| {
            let card = &method.card;
            let default = if visit.customer.default_payment_method.as_ref() == Some(&method.id) {
                " <span class=\"badge\">Default</span>"
            } else {
                ""
            };
            format!(
                "<div class=\"row\"><p>{} •••• {}{default}</p><p class=\"soft\">Expires {:02}/{}</p></div>",
                escape(&card.brand.to_uppercase()),
                escape(&card.last4),
                card.exp_month,
                card.exp_year
            )
        })
        .collect();
    let list = if list.is_empty() {
        "<p class=\"soft\">No payment method.</p>".to_owned()
    } else {
        list
    };
    format!(
        "<h2>Payment method</h2>{list}<p><a class=\"button\" href=\"{}/card\">Add payment method</a></p>",
        visit.path()
    )
}

fn invoices(work: &Work<'_>, visit: &Visit) -> String {
    if !visit.configuration.invoice_history {
        return String::new();
    }
    let rows: String = work
        .world
        .all::<Invoice>()
        .rev()
        .filter(|invoice| invoice.customer == visit.customer.id && invoice.status != InvoiceStatus::Draft)
        .map(|invoice| {
            let pay = if invoice.status == InvoiceStatus::Open {
                format!(
                    "<form method=\"post\" action=\"{}/pay/{}\"><button>Pay</button></form>",
                    visit.path(),
                    escape(&invoice.id)
                )
            } else {
                String::new()
            };
            format!(
                "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td><td>{} {pay}</td></tr>",
                date(invoice.created),
                escape(invoice.number.as_deref().unwrap_or_default()),
                escape(&amount_in_words(invoice.total(), &invoice.currency)),
                invoice.status.as_str()
            )
        })
        .collect();
    if rows.is_empty() {
        return "<h2>Invoice history</h2><p class=\"soft\">No invoice yet.</p>".to_owned();
    }
    format!(
        "<h2>Invoice history</h2><div class=\"scroll\"><table><thead><tr><th>Date</th><th>Number</th><th class=\"number\">Amount</th><th>Status</th></tr></thead><tbody>{rows}</tbody></table></div>"
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

fn cancel_page(work: &Work<'_>, visit: &Visit, subscription: &Subscription) -> Response {
    let (name, cost) = describe(work, subscription);
    let when = if visit.configuration.cancel_immediately {
        "Your plan ends at once.".to_owned()
    } else {
        format!(
            "Your plan will be canceled, but is still available until the end of your billing period on {}. If you change your mind, you can renew it until then.",
            date(subscription.period.end)
        )
    };
    let reasons: String = visit
        .configuration
        .cancellation_reasons
        .iter()
        .map(|reason| {
            format!(
                "<option value=\"{0}\">{1}</option>",
                escape(reason),
                escape(&reason.replace('_', " "))
            )
        })
        .collect();
    let reasons = if reasons.is_empty() {
        String::new()
    } else {
        format!(
            "<label for=\"feedback\">Why do you cancel?</label><select id=\"feedback\" name=\"feedback\"><option value=\"\">No answer</option>{reasons}</select><label for=\"comment\">Anything else?</label><textarea id=\"comment\" name=\"comment\" maxlength=\"{MOST_COMMENT_CHARS}\"></textarea>"
        )
    };
    let body = format!(
        "<h1>Confirm cancellation</h1><p><strong>{}</strong>, {}</p><p>{}</p><form method=\"post\" action=\"{path}/cancel/{}\">{reasons}<p class=\"actions\"><button class=\"primary\">Cancel subscription</button><a class=\"button\" href=\"{back}\">Go back</a></p></form>",
        escape(&name),
        escape(&cost),
        escape(&when),
        escape(&subscription.id),
        path = visit.path(),
        back = escape(
            visit
                .session
                .return_url
                .as_deref()
                .filter(|_| visit.session.flow.is_some())
                .unwrap_or(&visit.path())
        ),
    );
    frame(visit, &body)
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

fn card_page(visit: &Visit, card: &CardForm, error: Option<&str>) -> Response {
    let back = visit
        .session
        .return_url
        .as_deref()
        .filter(|_| visit.session.flow.is_some());
    let path = visit.path();
    let body = format!(
        "<h1>Add payment method</h1>{}<form class=\"pay\" method=\"post\" action=\"{path}/card\">{}<button class=\"primary\">Add</button></form><p><a href=\"{}\">Go back</a></p>",
        error_line(error),
        card_fields(card),
        escape(back.unwrap_or(&path)),
    );
    frame(visit, &body)
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
                Err(failure) => card_page(&visit, &card, Some(failure.message())),
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
                Collected::Failed(decline) => card_page(&visit, &CardForm::default(), Some(&decline.message)),
                _ => Redirect::to(&visit.path()).into_response(),
            })
        })
        .await,
    )
}
