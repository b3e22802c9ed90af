//! Events, webhook endpoints and the account.

use std::collections::HashSet;

use serde_json::json;

use super::list::page;
use crate::{
    engine::Work,
    failure::{Answer, Failure},
    form::{Metadata, Params},
    render,
    stripe::is_loopback_url,
    world::{Delivery, DeliveryState, Event, WebhookEndpoint},
};

pub(super) fn account(params: Params) -> Answer {
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

pub(super) fn event(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(render::event(work.world, &work.find("event", id, "id")?))
}

pub(super) fn list_events(work: &mut Work<'_>, mut params: Params) -> Answer {
    let one = params.filled("type")?;
    let several = params.texts("types")?;
    let created = params.range("created")?;
    let delivered = params.boolean("delivery_success")?;
    // What nobody listened to has nothing that could have failed.
    let late: HashSet<String> = work
        .world
        .all::<Delivery>()
        .filter(|delivery| !delivery.copy && delivery.state != DeliveryState::Delivered)
        .map(|delivery| delivery.event.clone())
        .collect();
    page(
        work,
        params,
        "/v1/events",
        |event: &Event| {
            one.as_ref().is_none_or(|pattern| fits(pattern, &event.name))
                && (several.is_empty() || several.contains(&event.name))
                && created.has(event.created)
                && delivered.is_none_or(|delivered| delivered != late.contains(&event.id))
        },
        render::event,
    )
}

/// A name, or the beginning of one with `*` for the rest.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

pub(super) fn create(work: &mut Work<'_>, mut params: Params) -> Answer {
    let mut endpoint = WebhookEndpoint {
        id: work.world.mint("we"),
        created: work.wall(),
        url: params.required("url")?,
        secret: format!("whsec_{}", work.world.letters(32)),
        enabled_events: Vec::new(),
        description: None,
        disabled: false,
        from_settings: false,
        metadata: Metadata::new(),
    };
    take(&mut endpoint, &mut params)?;
    params.ignore(&["api_version", "connect"]);
    params.finish()?;
    if endpoint.enabled_events.is_empty() {
        return Err(Failure::missing_parameter("enabled_events"));
    }
    let object = render::webhook_endpoint(&endpoint, true);
    work.world.put(endpoint);
    Ok(object)
}

fn take(endpoint: &mut WebhookEndpoint, params: &mut Params) -> Result<(), Failure> {
    if !is_loopback_url(&endpoint.url) {
        return Err(Failure::parameter(
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

pub(super) fn retrieve(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    let endpoint = work.find("webhook endpoint", id, "id")?;
    Ok(render::webhook_endpoint(&endpoint, false))
}

pub(super) fn update(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let mut endpoint = work.find::<WebhookEndpoint>("webhook endpoint", id, "id")?;
    endpoint.url = params.filled("url")?.unwrap_or(endpoint.url);
    take(&mut endpoint, &mut params)?;
    params.finish()?;
    let object = render::webhook_endpoint(&endpoint, false);
    work.world.put(endpoint);
    Ok(object)
}

pub(super) fn delete(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    work.find::<WebhookEndpoint>("webhook endpoint", id, "id")?;
    work.world.remove(id);
    Ok(render::deleted("webhook_endpoint", id))
}

pub(super) fn list(work: &mut Work<'_>, params: Params) -> Answer {
    page(
        work,
        params,
        "/v1/webhook_endpoints",
        |_: &WebhookEndpoint| true,
        |_, endpoint| render::webhook_endpoint(endpoint, false),
    )
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn event_names() {
        for (pattern, name, expected) in [
            ("invoice.paid", "invoice.paid", true),
            ("invoice.paid", "invoice.paid2", false),
            ("invoice.*", "invoice.paid", true),
            ("invoice.*", "customer.created", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
