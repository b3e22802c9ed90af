//! The Content-Security-Policy of a document. It needs the nonce of this rendering, so no layer can set it.

use http::{HeaderName, HeaderValue};
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use crate::request;

/// The document's one inline style: links load documents, and what both documents have in common stays in place. It is inline
/// because Chromium aborts the transition, with an uncaught error, if the next document has the rule only in a stylesheet that
/// is not cached.
pub const VIEW_TRANSITION: &str =
    "@media (prefers-reduced-motion: no-preference) { @view-transition { navigation: auto; } }";

/// Its hash. A nonce would not do: it differs in the documents that the script fetches for their live parts, and the browser
/// would report a violation for each. When it is wrong, so does every browser test.
const VIEW_TRANSITION_HASH: &str = "sha256-HZ4rB03Xrq48TXRrshZ0A/rzCbrI8O6Hcrjxi45i7Q8=";

/// Sets the policy on the answer that is being rendered.
pub fn set_document_policy() {
    let (Some(nonce), Some(answer)) = (use_nonce(), use_context::<ResponseOptions>()) else {
        return;
    };
    // In development the page hears from cargo-leptos, on another port, when it should reload.
    let reload = if std::env::var_os("LEPTOS_WATCH").is_some() {
        " ws://127.0.0.1:*"
    } else {
        ""
    };
    // Forms lead to Stripe's pages, and browsers hold redirects to the same rule.
    let stripe = request::with_current(|context| context.backend.billing.hosted_pages().join(" "));
    let stripe = stripe.unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' '{VIEW_TRANSITION_HASH}'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'{reload}; form-action 'self' {stripe}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        answer.insert_header(HeaderName::from_static("content-security-policy"), policy);
    }
}
