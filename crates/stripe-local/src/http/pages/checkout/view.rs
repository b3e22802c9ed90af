//! What the Checkout page looks like: the order on one side, the form on the other.

use axum::{http::StatusCode, response::Response};

use super::MOST_EMAIL_CHARS;
use crate::{
    billing::period::DAY,
    engine::{CardForm, Work},
    http::pages::{ACCOUNT, FOOT, Fault, SHOP, card_fields, date, escape, every, page},
    money::amount_in_words,
    render::customer_email,
    world::{CheckoutMode, CheckoutSession, Customer, Price, Product, Recurring},
};

/// What the page says and asks.
pub(super) struct View {
    pub(super) session: CheckoutSession,
    title: String,
    price: String,
    terms: String,
    lines: Vec<Line>,
    /// What is due today, and what it is made of.
    totals: Vec<(&'static str, String)>,
    button: &'static str,
    /// What follows from pressing the button.
    small: String,
    /// The customer's address; `None`: the page asks for one.
    pub(super) email: Option<String>,
}

/// Something that is bought.
struct Line {
    name: String,
    description: Option<String>,
    billed: String,
    cost: String,
    /// What it costs later, when it is free now.
    later: Option<String>,
}

fn billed(recurring: Recurring) -> String {
    match (recurring.count, recurring.interval.as_str()) {
        (1, "day") => "Billed daily".to_owned(),
        (1, interval) => format!("Billed {interval}ly"),
        _ => format!("Billed every {}", every(recurring)),
    }
}

fn days_in_words(days: i64) -> String {
    let plural = if days == 1 { "" } else { "s" };
    format!("{days} day{plural}")
}

fn now_of(work: &Work<'_>, session: &CheckoutSession) -> i64 {
    let test_clock = session
        .customer
        .as_deref()
        .and_then(|id| work.world.get::<Customer>(id))
        .and_then(|customer| customer.test_clock.clone());
    work.now(test_clock.as_deref())
}

pub(super) fn view(work: &Work<'_>, session: CheckoutSession) -> View {
    let email = customer_email(work.world, &session).map(str::to_owned);
    let now = now_of(work, &session);
    let data = &session.subscription_data;
    let trial_end = data
        .trial_end
        .or(data.trial_period_days.map(|days| now + days * DAY));
    let free = trial_end.map(|end| days_in_words((end - now + DAY - 1) / DAY));
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
            interval = every(recurring);
        }
        let cost = amount_in_words(amount, &price.currency);
        names.push(name.clone());
        lines.push(Line {
            name: if line.quantity > 1 {
                format!("{name} × {}", line.quantity)
            } else {
                name
            },
            description: product.and_then(|product| product.description.clone()),
            billed: price.recurring.map(billed).unwrap_or_default(),
            later: free.as_ref().map(|_| format!("{cost} / {interval} after")),
            cost: free.as_ref().map_or(cost, |days| format!("{days} free")),
        });
    }
    let words = amount_in_words(total, &session.currency);
    let names = names.join(", ");
    let nothing = amount_in_words(0, &session.currency);
    let (title, price, terms, totals, button) = match (session.mode, trial_end, free) {
        (CheckoutMode::Subscription, Some(end), Some(days)) => (
            format!("Try {names}"),
            format!("{days} free"),
            format!("Then {words} per {interval} starting {}", date(end)),
            vec![
                ("Subtotal", words.clone()),
                ("Total after trial", words),
                ("Total due today", nothing),
            ],
            "Start trial",
        ),
        (CheckoutMode::Subscription, ..) => (
            format!("Subscribe to {names}"),
            words.clone(),
            format!("per {interval}"),
            vec![("Subtotal", words.clone()), ("Total due today", words)],
            "Subscribe",
        ),
        (CheckoutMode::Setup, ..) => (
            "Save your payment details".to_owned(),
            String::new(),
            "Nothing is due today.".to_owned(),
            Vec::new(),
            "Save card",
        ),
    };
    let small = if !session.needs_card() {
        "No card is needed now. Add one before the trial ends to go on.".to_owned()
    } else if session.mode == CheckoutMode::Setup {
        format!(
            "By saving this test card, you allow {ACCOUNT} to charge it later. No real card is ever charged here."
        )
    } else {
        format!(
            "By confirming your subscription, you allow {ACCOUNT} to charge this test card for this payment and future ones, until you cancel. No real card is ever charged here."
        )
    };
    View {
        session,
        title,
        price,
        terms,
        lines,
        totals,
        button,
        small,
        email,
    }
}

pub(super) fn open_page(view: &View, email: &str, card: &CardForm, fault: Option<&Fault>) -> Response {
    let session = &view.session;
    let (heading, fields) = if session.needs_card() {
        let fields = card_fields(card, fault);
        ("Payment", format!("<h3>Payment method</h3>{fields}"))
    } else {
        ("Contact information", String::new())
    };
    let body = format!(
        r#"<main class="two">{}<section class="form" aria-label="Payment"><div><h2 class="plain">{heading}</h2>
<form class="pay" method="post" action="/c/pay/{}">{}{fields}<button class="primary">{}</button><p class="small">{}</p></form></div></section></main>"#,
        summary(view),
        escape(&session.id),
        address(view, email, fault),
        view.button,
        escape(&view.small),
    );
    let status = if fault.is_some() {
        StatusCode::PAYMENT_REQUIRED
    } else {
        StatusCode::OK
    };
    page(status, &view.title, "", &body)
}

fn summary(view: &View) -> String {
    let name = escape(ACCOUNT);
    let merchant = view.session.cancel_url.as_ref().map_or_else(
        || format!("{SHOP}<span>{name}</span>"),
        |url| {
            format!(
                "<a class=\"back\" href=\"{}\"><span aria-hidden=\"true\">←</span> {SHOP}<span><span class=\"hidden\">Back to </span>{name}</span></a>",
                escape(url)
            )
        },
    );
    let lines: String = view.lines.iter().map(line).collect();
    let totals: String = view
        .totals
        .iter()
        .map(|(label, amount)| format!("<div><dt>{label}</dt><dd>{}</dd></div>", escape(amount)))
        .collect();
    let order = if view.lines.is_empty() {
        String::new()
    } else {
        format!("<ul class=\"lines\">{lines}</ul><dl class=\"totals\">{totals}</dl>")
    };
    let price = if view.price.is_empty() {
        String::new()
    } else {
        format!("<p class=\"price\">{}</p>", escape(&view.price))
    };
    format!(
        r#"<section class="summary" aria-label="Order"><div><p class="merchant">{merchant} <span class="badge">Test mode</span></p><h1 class="lead" dir="auto">{}</h1>{price}<p class="soft">{}</p>{order}{FOOT}</div></section>"#,
        escape(&view.title),
        escape(&view.terms),
    )
}

fn line(line: &Line) -> String {
    let description = line.description.as_ref().map_or(String::new(), |text| {
        format!("<span class=\"small\" dir=\"auto\">{}</span>", escape(text))
    });
    let later = line.later.as_ref().map_or(String::new(), |text| {
        format!("<span class=\"small\">{}</span>", escape(text))
    });
    format!(
        "<li><span><strong dir=\"auto\">{}</strong>{description}<span class=\"small\">{}</span></span><span class=\"number\"><strong>{}</strong>{later}</span></li>",
        escape(&line.name),
        escape(&line.billed),
        escape(&line.cost),
    )
}

/// The address that is known, or the field for one.
fn address(view: &View, typed: &str, fault: Option<&Fault>) -> String {
    match &view.email {
        Some(known) => format!(
            "<dl class=\"known\"><div><dt>Email</dt><dd dir=\"auto\">{}</dd></div></dl>",
            escape(known)
        ),
        None => {
            let (attributes, sentence) = Fault::at(fault, "email");
            format!(
                "<label for=\"email\">Email</label><input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"email\" required maxlength=\"{MOST_EMAIL_CHARS}\" placeholder=\"email@example.com\" value=\"{}\"{attributes}>{sentence}",
                escape(typed)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Interval;

    #[test]
    fn how_often_in_words() {
        let cases = [
            (Interval::Day, 1, "Billed daily"),
            (Interval::Week, 1, "Billed weekly"),
            (Interval::Month, 1, "Billed monthly"),
            (Interval::Year, 1, "Billed yearly"),
            (Interval::Month, 3, "Billed every 3 months"),
        ];
        for (interval, count, expected) in cases {
            assert_eq!(billed(Recurring { interval, count }), expected);
        }
        assert_eq!(days_in_words(1), "1 day");
        assert_eq!(days_in_words(3), "3 days");
    }
}
