//! The webhook endpoints that the settings name. Endpoints created through the API are not touched.

use crate::{
    form::Metadata,
    records::{Records, WebhookEndpointRecord},
    settings::{StripeStandInSettings, WebhookTarget},
};

/// Creates an endpoint for each target of the settings.
///
/// Endpoints of an earlier start are reused in order and get the new URLs and secrets, so undelivered events follow an
/// application that now listens on another port. Endpoints without a target are disabled.
pub(crate) fn register_configured_endpoints(records: &mut Records, settings: &StripeStandInSettings) {
    let mut known = records
        .all::<WebhookEndpointRecord>()
        .filter(|endpoint| endpoint.is_configured)
        .cloned()
        .collect::<Vec<_>>()
        .into_iter();
    for WebhookTarget { url, secret } in &settings.webhooks {
        let endpoint = known.next().unwrap_or_else(|| WebhookEndpointRecord {
            id: records.new_id("we"),
            created: settings.clock.now_ms().div_euclid(1000),
            url: String::new(),
            secret: String::new(),
            enabled_events: vec!["*".to_owned()],
            description: Some("From the settings".to_owned()),
            disabled: false,
            is_configured: true,
            metadata: Metadata::new(),
        });
        records.put(WebhookEndpointRecord {
            url: url.clone(),
            secret: secret.clone(),
            disabled: false,
            ..endpoint
        });
    }
    for endpoint in known {
        records.put(WebhookEndpointRecord {
            disabled: true,
            ..endpoint
        });
    }
}
