//! The endpoints for events, webhook endpoints and the account.

use serde_json::json;

use super::list::list_page;
use crate::{
    api_error::{ApiError, ApiResult},
    engine::Operation,
    form::{Metadata, Params},
    records::{DeliveryRecord, DeliveryState, EventRecord, WebhookEndpointRecord},
    render,
    safety::is_loopback_url,
};

pub(super) fn retrieve_account(params: Params) -> ApiResult {
    params.finish()?;
    Ok(json!({
        "id": "acct_local",
        "object": "account",
        "business_profile": {"name": "Local test account"},
        "charges_enabled": true,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": true,
        "email": null,
        "payouts_enabled": true,
        "settings": {"dashboard": {"display_name": "Local test account", "timezone": "Etc/UTC"}},
        "type": "standard",
    }))
}

pub(super) fn retrieve_event(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::event(
        operation.records,
        &operation.find("event", id, "id")?,
    ))
}

pub(super) fn list_events(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let pattern_filter = params.non_empty("type")?;
    let types = params.texts("types")?;
    let created = params.range("created")?;
    let delivered = params.boolean("delivery_success")?;
    // An event without deliveries counts as delivered.
    let is_delivered = |event: &EventRecord| {
        operation
            .records
            .children::<DeliveryRecord>(&event.id)
            .all(|delivery| delivery.is_copy || delivery.state == DeliveryState::Delivered)
    };
    list_page(
        operation,
        params,
        "/v1/events",
        None,
        |event: &EventRecord| {
            pattern_filter
                .as_ref()
                .is_none_or(|pattern| matches_pattern(pattern, &event.name))
                && (types.is_empty() || types.contains(&event.name))
                && created.contains(event.created)
                && delivered.is_none_or(|delivered| delivered == is_delivered(event))
        },
        render::event,
    )
}

/// Whether `pattern` is the name, or its beginning followed by `*`.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

pub(super) fn create(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let mut endpoint = WebhookEndpointRecord {
        id: operation.records.new_id("we"),
        created: operation.wall_secs(),
        url: params.required("url")?,
        secret: format!("whsec_{}", operation.records.random_text(32)),
        enabled_events: Vec::new(),
        description: None,
        disabled: false,
        is_configured: false,
        metadata: Metadata::new(),
    };
    apply_params(&mut endpoint, &mut params)?;
    params.ignore(&["api_version", "connect"]);
    params.finish()?;
    if endpoint.enabled_events.is_empty() {
        return Err(ApiError::missing_parameter("enabled_events"));
    }
    let object = render::webhook_endpoint(&endpoint, true);
    operation.records.put(endpoint);
    Ok(object)
}

fn apply_params(endpoint: &mut WebhookEndpointRecord, params: &mut Params) -> Result<(), ApiError> {
    if !is_loopback_url(&endpoint.url) {
        return Err(ApiError::invalid_parameter(
            "url",
            "Invalid URL: stripe-local posts webhooks to this machine only (127.0.0.1, localhost, [::1]).",
        )
        .with_code("url_invalid"));
    }
    let events = params.texts("enabled_events")?;
    if !events.is_empty() {
        endpoint.enabled_events = events;
    }
    params.patch("description")?.apply(&mut endpoint.description);
    endpoint.disabled = params.boolean("disabled")?.unwrap_or(endpoint.disabled);
    params.metadata(&mut endpoint.metadata)
}

pub(super) fn retrieve(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    let endpoint = operation.find("webhook endpoint", id, "id")?;
    Ok(render::webhook_endpoint(&endpoint, false))
}

pub(super) fn update(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let mut endpoint = operation.find::<WebhookEndpointRecord>("webhook endpoint", id, "id")?;
    endpoint.url = params.non_empty("url")?.unwrap_or(endpoint.url);
    apply_params(&mut endpoint, &mut params)?;
    params.finish()?;
    let object = render::webhook_endpoint(&endpoint, false);
    operation.records.put(endpoint);
    Ok(object)
}

pub(super) fn delete(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    operation.find::<WebhookEndpointRecord>("webhook endpoint", id, "id")?;
    operation.records.remove(id);
    Ok(render::deleted("webhook_endpoint", id))
}

pub(super) fn list(operation: &mut Operation<'_>, params: Params) -> ApiResult {
    list_page(
        operation,
        params,
        "/v1/webhook_endpoints",
        None,
        |_: &WebhookEndpointRecord| true,
        |_, endpoint| render::webhook_endpoint(endpoint, false),
    )
}

#[cfg(test)]
mod tests {
    use super::matches_pattern;

    #[test]
    fn patterns_match_event_names() {
        for (pattern, name, expected) in [
            ("invoice.paid", "invoice.paid", true),
            ("invoice.paid", "invoice.paid2", false),
            ("invoice.*", "invoice.paid", true),
            ("invoice.*", "customer.created", false),
        ] {
            assert_eq!(matches_pattern(pattern, name), expected, "{pattern} {name}");
        }
    }
}
