//! The HTML pages: Checkout, the customer portal and the control page. They need no JavaScript.
//!
//! This module has the page frame and text formats; `card_form` has the card fields.

mod card_form;
pub(super) mod checkout;
pub(super) mod index;
pub(super) mod portal;

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use time::{OffsetDateTime, format_description::FormatItem, macros::format_description};

use super::responses::status;
use crate::{api_error::ApiError, records::Recurring};

/// Pages load nothing from other origins and cannot be framed. Form targets are not limited, because a submitted form
/// redirects to the application.
const SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'";

const STYLE: &str = include_str!("style.css");

/// Inline, so that browsers do not request `/favicon.ico`.
const FAVICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%23635bff'/%3E%3Cpath d='M5 10.5c1 .8 5.5 1 5.5-1 0-2.2-5-1-5-3 0-1.800 4-1.500 5-.7' fill='none' stroke='%23fff' stroke-width='1.600'/%3E%3C/svg%3E";

/// The merchant's name on all pages.
const ACCOUNT_NAME: &str = "Local test account";

/// The icon beside the merchant's name.
const MERCHANT_ICON: &str = "<svg class=\"shop\" viewBox=\"0 0 24 24\" width=\"24\" height=\"24\" aria-hidden=\"true\" focusable=\"false\"><circle cx=\"12\" cy=\"12\" r=\"12\"/><path d=\"M6.500 10.500 7.500 7h9l1 3.500M7.500 11.500V17h9v-5.500M10.500 17v-3h3v3M6.500 10.500c0 1.300 2.700 1.300 2.700 0 0 1.300 2.800 1.300 2.800 0 0 1.300 2.800 1.300 2.800 0 0 1.300 2.700 1.300 2.700 0\" fill=\"none\"/></svg>";

const FOOTER: &str = "<p class=\"foot\">Shown by <strong>stripe-local</strong>, a stand-in for Stripe. No money moves here.</p>";

const DATE: &[FormatItem<'static>] = format_description!("[month repr:long] [day padding:none], [year]");
const SHORT_DATE: &[FormatItem<'static>] =
    format_description!("[month repr:short] [day padding:none], [year]");
const TIME: &[FormatItem<'static>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

/// Escapes text for HTML content and for quoted attributes.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A date from Unix seconds, in UTC.
fn date(at: i64) -> String {
    format_secs(at, DATE)
}

/// `month` or `3 months`.
fn interval_text(recurring: Recurring) -> String {
    match recurring.count {
        1 => recurring.interval.as_str().to_owned(),
        count => format!("{count} {}s", recurring.interval.as_str()),
    }
}

/// A short date for tables.
fn short_date(at: i64) -> String {
    format_secs(at, SHORT_DATE)
}

fn date_time(at: i64) -> String {
    format_secs(at, TIME)
}

fn format_secs(at: i64, format: &[FormatItem<'static>]) -> String {
    OffsetDateTime::from_unix_timestamp(at)
        .ok()
        .and_then(|at| at.format(format).ok())
        .unwrap_or_else(|| at.to_string())
}

fn html_page(status: StatusCode, title: &str, class: &str, body: &str) -> Response {
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <link rel=\"icon\" href=\"{FAVICON}\"><style>{STYLE}</style></head><body class=\"{class}\">{body}</body></html>",
        escape(title)
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, Html(html)).into_response()
}

/// An error as a page.
fn error_page(error: &ApiError) -> Response {
    let body = format!(
        "<main class=\"notice\"><h1>Something went wrong</h1><p class=\"soft\">{}</p>{FOOTER}</main>",
        escape(error.message())
    );
    html_page(status(error.status), "Something went wrong", "narrow", &body)
}

/// A page for a Checkout session that is complete or expired.
fn closed_page(title: &str, text: &str, link: Option<&str>) -> Response {
    let link = link.map_or(String::new(), |url| {
        format!(
            "<p><a class=\"button\" href=\"{}\">Return to the site</a></p>",
            escape(url)
        )
    });
    let body =
        format!("<main class=\"notice\"><h1>{title}</h1><p class=\"soft\">{text}</p>{link}{FOOTER}</main>");
    html_page(StatusCode::OK, title, "narrow", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            escape("<b title='x'>&\"</b>"),
            "&lt;b title=&#39;x&#39;&gt;&amp;&quot;&lt;/b&gt;"
        );
        assert_eq!(escape("Zoë 🦀"), "Zoë 🦀");
    }

    #[test]
    fn dates_are_formatted_in_english() {
        assert_eq!(date(1_700_000_000), "November 14, 2023");
        assert_eq!(short_date(1_700_000_000), "Nov 14, 2023");
        assert_eq!(date_time(1_700_000_000), "2023-11-14 22:13:20");
    }
}
