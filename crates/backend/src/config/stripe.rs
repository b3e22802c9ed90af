//! Configuration of Stripe, or of its stand-in.

use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::{ConfigError, malformed};
use super::network::{base_url, on_loopback, socket};
use crate::ids;

/// The stand-in's key. It is public.
const LOCAL_SECRET_KEY: &str = "sk_test_seamline_local";

/// Origins of Stripe's hosted pages, to which the app redirects.
const HOSTED_PAGES: [&str; 2] = ["https://checkout.stripe.com", "https://billing.stripe.com"];

/// The longest trial that Stripe accepts, in days (API reference, "Create a Checkout Session").
const LONGEST_TRIAL: u32 = 730;

/// Configuration of Stripe, or of its stand-in.
#[derive(Debug)]
pub struct StripeConfig {
    /// `STRIPE_SECRET_KEY`.
    pub secret_key: SecretString,
    /// `STRIPE_WEBHOOK_SECRETS`. A webhook may be signed with any of them, so that a secret can be rotated.
    pub webhook_secrets: Vec<SecretString>,
    /// URL of the stand-in's API; `None` for Stripe's own.
    pub api_url: Option<Url>,
    /// The address of the stand-in, if it runs inside this process.
    pub local: Option<SocketAddr>,
    /// Origins of the hosted pages.
    pub pages: Vec<String>,
    /// `TRIAL_DAYS`.
    pub trial_days: u32,
}

impl StripeConfig {
    /// Whether it is a stand-in. Only its clock can be moved.
    pub const fn is_local(&self) -> bool {
        self.api_url.is_some()
    }

    /// Whether the key is live, so that real money moves.
    pub fn is_live(&self) -> bool {
        self.secret_key.expose_secret().contains("_live_")
    }

    /// Sets the address at which the stand-in listens, for port 0.
    pub fn listens_at(&mut self, address: SocketAddr) {
        self.local = Some(address);
        self.pages = vec![page_origin(address.port())];
        if let Some(url) = &mut self.api_url {
            // This fails only for URLs that cannot have a port.
            let _ = url.set_port(Some(address.port()));
        }
    }

    pub(super) fn read(get: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let webhook_secrets: Vec<SecretString> = get("STRIPE_WEBHOOK_SECRETS")
            .iter()
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|secret| !secret.is_empty())
            .map(Into::into)
            .collect();
        let trial_days = match get("TRIAL_DAYS") {
            None => 3,
            Some(text) => text
                .parse()
                .ok()
                .filter(|days| (1..=LONGEST_TRIAL).contains(days))
                .ok_or(malformed("TRIAL_DAYS", "a number of days from 1 to 730"))?,
        };
        let url = get("STRIPE_API_URL")
            .map(|text| base_url("STRIPE_API_URL", &text))
            .transpose()?;
        match (get("STRIPE_SECRET_KEY"), url) {
            (Some(_), Some(_)) => Err(ConfigError::KeyForStandIn),
            (Some(key), None) => {
                if !["sk_test_", "sk_live_", "rk_test_", "rk_live_"]
                    .iter()
                    .any(|kind| key.starts_with(kind))
                {
                    return Err(malformed("STRIPE_SECRET_KEY", "a Stripe secret key (sk_…)"));
                }
                if webhook_secrets.is_empty() {
                    return Err(ConfigError::NoWebhookSecret);
                }
                Ok(Self {
                    secret_key: key.into(),
                    webhook_secrets,
                    api_url: None,
                    local: None,
                    pages: HOSTED_PAGES.map(str::to_owned).to_vec(),
                    trial_days,
                })
            }
            (None, Some(url)) => {
                if !on_loopback(&url) {
                    return Err(ConfigError::StandInOffLoopback {
                        name: "STRIPE_API_URL",
                    });
                }
                if webhook_secrets.is_empty() {
                    return Err(ConfigError::NoWebhookSecret);
                }
                Ok(Self::stand_in(webhook_secrets, url, None, trial_days))
            }
            (None, None) => {
                let listen = socket(get, "STRIPE_LOCAL_ADDR", "127.0.0.1:12111")?;
                if !listen.ip().is_loopback() {
                    return Err(ConfigError::LocalModeOffLoopback {
                        name: "STRIPE_LOCAL_ADDR",
                    });
                }
                let url = base_url("STRIPE_LOCAL_ADDR", &format!("http://{listen}"))?;
                // The stand-in runs in this process, so only this process needs the secret.
                let secret = format!("whsec_{}", ids::random().simple());
                Ok(Self::stand_in(vec![secret.into()], url, Some(listen), trial_days))
            }
        }
    }

    fn stand_in(
        webhook_secrets: Vec<SecretString>,
        url: Url,
        local: Option<SocketAddr>,
        trial_days: u32,
    ) -> Self {
        let port = url.port_or_known_default().unwrap_or_default();
        Self {
            secret_key: LOCAL_SECRET_KEY.into(),
            webhook_secrets,
            pages: vec![page_origin(port)],
            api_url: Some(url),
            local,
            trial_days,
        }
    }
}

/// The stand-in's pages use another host name than the app, so that browsers treat them as another site, like Stripe's
/// pages.
fn page_origin(port: u16) -> String {
    format!("http://localhost:{port}")
}
