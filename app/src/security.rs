//! The Content-Security-Policy of a document. It needs the nonce of this rendering, so no layer can set it.

use http::{HeaderName, HeaderValue};
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

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
    let stripe = crate::visit::current()
        .map(|visit| visit.backend.billing.hosted_pages().join(" "))
        .unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'{reload}; form-action 'self' {stripe}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        answer.insert_header(HeaderName::from_static("content-security-policy"), policy);
    }
}
