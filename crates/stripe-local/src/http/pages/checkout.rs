//! The hosted Checkout page: e-mail, card or none, pay, leave.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    card_fields, card_form, confirmation, date, error_line, escape, field, hidden_card, notice, page,
};
use crate::{
    billing::period::DAY,
    engine::{CardForm, Cause, Work},
    failure::Failure,
    form,
    money::amount_in_words,
    render::customer_email,
    stripe::Stripe,
    world::{CheckoutMode, CheckoutSession, CheckoutStatus, Customer, Price, Product},
};

/// Most characters of an e-mail address.
const MOST_EMAIL_CHARS: usize = 254;

/// What the page says and asks.
struct View {
    session: CheckoutSession,
    title: String,
    price: String,
    terms: String,
    lines: Vec<(String, String)>,
    due: String,
    button: &'static str,
    /// The customer's address; `None`: the page asks for one.
    email: Option<String>,
}

/// `GET /c/pay/{session}`
pub(crate) async fn show(State(stripe): State<Stripe>, Path(id): Path<String>) -> Response {
    let found = stripe
        .run(String::new(), Cause::default(), move |work| {
            let session = work.find::<CheckoutSession>("checkout.session", &id, "id")?;
            Ok(view(work, session))
        })
        .await;
    match found {
        Ok(view) => answer(&view, "", &CardForm::default(), None),
        Err(failure) => notice(&failure),
    }
}

fn answer(view: &View, email: &str, card: &CardForm, error: Option<&str>) -> Response {
    let session = &view.session;
    match session.status {
        CheckoutStatus::Open => open_page(view, email, card, error),
        CheckoutStatus::Complete => closed_page(
            "You’re all done here",
            "This Checkout session is complete.",
            Some(&success_url(session)),
        ),
        CheckoutStatus::Expired => closed_page(
            "This link has expired",
            "The page that you are looking for is no longer available.",
            session.cancel_url.as_deref(),
        ),
    }
}

/// `POST /c/pay/{session}`
pub(crate) async fn submit(State(stripe): State<Stripe>, Path(id): Path<String>, body: String) -> Response {
    let form = form::parse(&body);
    let typed = field(&form, "email");
    let card = card_form(&body);
    let (email, given) = (typed.clone(), card.clone());
    let found = stripe
        .run(String::new(), Cause::default(), move |work| {
            let session = work.find::<CheckoutSession>("checkout.session", &id, "id")?;
            let view = view(work, session);
            if view.session.status != CheckoutStatus::Open {
                let session = view.session.clone();
                return Ok((view, Ok(session)));
            }
            // A card that was refused leaves nothing behind.
            let outcome = work.attempt(|work| {
                let email = check_email(&view, &email)?;
                let card = view.session.needs_card().then_some(&given);
                work.complete_checkout(&view.session, email, card)
            });
            Ok((view, outcome))
        })
        .await;
    match found {
        Ok((_, Ok(done))) if done.status == CheckoutStatus::Complete => {
            Redirect::to(&success_url(&done)).into_response()
        }
        Ok((view, Ok(_))) => answer(&view, &typed, &card, None),
        Ok((view, Err(failure))) if failure.asks_for_confirmation() => {
            let path = format!("/c/pay/{}", view.session.id);
            let hidden = format!(
                "<input type=\"hidden\" name=\"email\" value=\"{}\">{}",
                escape(&typed),
                hidden_card(&card)
            );
            confirmation(&path, &path, &hidden)
        }
        Ok((view, Err(failure))) => answer(&view, &typed, &card, Some(failure.message())),
        Err(failure) => notice(&failure),
    }
}

/// The address that was typed, if the page asked for one.
fn check_email(view: &View, typed: &str) -> Result<Option<String>, Failure> {
    if view.email.is_some() {
        return Ok(None);
    }
    let fits = typed.chars().count() <= MOST_EMAIL_CHARS
        && !typed.contains(char::is_whitespace)
        && typed
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if fits {
        Ok(Some(typed.to_owned()))
    } else {
        Err(Failure::parameter("email", "Your email is invalid."))
    }
}

fn success_url(session: &CheckoutSession) -> String {
    session.success_url.replace("{CHECKOUT_SESSION_ID}", &session.id)
}

fn view(work: &Work<'_>, session: CheckoutSession) -> View {
    let email = customer_email(work.world, &session).map(str::to_owned);
    let test_clock = session
        .customer
        .as_deref()
        .and_then(|id| work.world.get::<Customer>(id))
        .and_then(|customer| customer.test_clock.clone());
    let now = work.now(test_clock.as_deref());
    let mut total = 0;
    let mut interval = String::new();
    let mut names = Vec::new();
    let mut lines = Vec::new();
    for line in &session.lines {
        let Some(price) = work.world.get::<Price>(&line.price) else {
            continue;
        };
        let product = work.world.get::<Product>(&price.product);
        let name = product.map_or_else(|| price.product.clone(), |product| product.name.clone());
        let amount = price.unit_amount * line.quantity;
        total += amount;
        if let Some(recurring) = price.recurring {
            interval = match recurring.count {
                1 => recurring.interval.as_str().to_owned(),
                count => format!("{count} {}s", recurring.interval.as_str()),
            };
        }
        let cost = format!("{} / {interval}", amount_in_words(amount, &price.currency));
        names.push(name.clone());
        lines.push((
            if line.quantity > 1 {
                format!("{name} × {}", line.quantity)
            } else {
                name
            },
            cost,
        ));
    }
    let words = amount_in_words(total, &session.currency);
    let names = names.join(", ");
    let data = &session.subscription_data;
    let trial_end = data
        .trial_end
        .or(data.trial_period_days.map(|days| now + days * DAY));
    let (title, price, terms, due, button) = match (session.mode, trial_end) {
        (CheckoutMode::Setup, _) => (
            "Save your payment details".to_owned(),
            String::new(),
            String::new(),
            String::new(),
            "Save card",
        ),
        (CheckoutMode::Subscription, Some(end)) => {
            let days = (end - now + DAY - 1) / DAY;
            let plural = if days == 1 { "" } else { "s" };
            (
                format!("Try {names}"),
                format!("{days} day{plural} free"),
                format!("Then {words} per {interval} starting {}", date(end)),
                amount_in_words(0, &session.currency),
                "Start trial",
            )
        }
        (CheckoutMode::Subscription, None) => (
            format!("Subscribe to {names}"),
            words.clone(),
            format!("per {interval}"),
            words,
            "Subscribe",
        ),
    };
    View {
        session,
        title,
        price,
        terms,
        lines,
        due,
        button,
        email,
    }
}

fn open_page(view: &View, email: &str, card: &CardForm, error: Option<&str>) -> Response {
    let session = &view.session;
    let back = session.cancel_url.as_ref().map_or(String::new(), |url| {
        format!("<a class=\"back\" href=\"{}\">← Back</a>", escape(url))
    });
    let lines: String = view
        .lines
        .iter()
        .map(|(name, cost)| {
            format!(
                "<li><span>{}</span><span>{}</span></li>",
                escape(name),
                escape(cost)
            )
        })
        .collect();
    let total = if view.due.is_empty() {
        String::new()
    } else {
        format!(
            "<li class=\"total\"><span>Total due today</span><span>{}</span></li>",
            escape(&view.due)
        )
    };
    let address = match &view.email {
        Some(known) => format!(
            "<label for=\"email\">Email</label><input id=\"email\" type=\"email\" value=\"{}\" readonly>",
            escape(known)
        ),
        None => format!(
            "<label for=\"email\">Email</label><input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"email\" required maxlength=\"{MOST_EMAIL_CHARS}\" value=\"{}\">",
            escape(email)
        ),
    };
    let (fields, small) = if session.needs_card() {
        (
            card_fields(card),
            "By confirming, you allow future charges to this test card. No real card is ever charged here.",
        )
    } else {
        (
            String::new(),
            "No card is needed now. Add one before the trial ends to go on.",
        )
    };
    let body = format!(
        r#"<main class="two"><section class="summary" aria-label="Order summary"><div>{back}<p class="soft">Local test account <span class="badge">TEST MODE</span></p>
<h1>{}</h1><p class="price">{}</p><p class="soft">{}</p><ul class="lines">{lines}{total}</ul></div></section>
<section class="pay" aria-label="Payment"><div><h1>{}</h1>{}
<form method="post" action="/c/pay/{}">{address}{fields}
<button class="primary">{}</button><p class="small">{small}</p></form></div></section></main>"#,
        escape(&view.title),
        escape(&view.price),
        escape(&view.terms),
        if session.needs_card() {
            "Enter payment details"
        } else {
            "Contact information"
        },
        error_line(error),
        escape(&session.id),
        view.button,
    );
    let status = if error.is_some() {
        StatusCode::PAYMENT_REQUIRED
    } else {
        StatusCode::OK
    };
    page(status, &view.title, "", &body)
}

fn closed_page(title: &str, sentence: &str, link: Option<&str>) -> Response {
    let link = link.map_or(String::new(), |url| {
        format!("<p><a href=\"{}\">Return to the site</a></p>", escape(url))
    });
    let body = format!("<main class=\"notice\"><h1>{title}</h1><p>{sentence}</p>{link}</main>");
    page(StatusCode::OK, title, "narrow", &body)
}
