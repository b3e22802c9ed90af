//! In place of `local.rs` in a build without the feature `local`, with the same functions: there are no stand-ins and no
//! lab, and a configuration that needs them is refused.

#![cfg_attr(
    feature = "local",
    expect(dead_code, reason = "with the feature only its tests are compiled")
)]

use std::net::SocketAddr;

use app::lab::LabState;
use backend::Backend;
use backend::config::Config;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::jobs::workers::Workers;
use crate::router::LabRoutes;

/// The configuration is that of local mode, which this build does not have.
#[derive(Debug, thiserror::Error)]
#[error(
    "This build has no local mode. Set {}, or build the server with the feature `local`.",
    missing_keys.join(" and ")
)]
pub struct LocalError {
    missing_keys: Vec<&'static str>,
}

/// Starts nothing.
///
/// # Errors
/// When the configuration has no key of Amplitude or Stripe.
#[expect(clippy::unused_async, reason = "as in local.rs")]
pub async fn start_stand_ins(
    config: &mut Config,
    _app: SocketAddr,
    _webhook_retries_ms: Option<Vec<i64>>,
    _stop: &CancellationToken,
) -> Result<(), LocalError> {
    let missing_keys = missing_keys(config);
    match missing_keys.is_empty() {
        true => Ok(()),
        false => Err(LocalError { missing_keys }),
    }
}

fn missing_keys(config: &Config) -> Vec<&'static str> {
    let keys = [
        (config.amplitude.is_local, "AMPLITUDE_API_KEY"),
        (config.stripe.is_local(), "STRIPE_SECRET_KEY"),
    ];
    let missing = keys.into_iter().filter(|(is_missing, _)| *is_missing);
    missing.map(|(_, name)| name).collect()
}

/// No lab.
#[derive(Clone)]
pub struct LocalLab;

impl LocalLab {
    /// No lab.
    ///
    /// # Errors
    /// Never.
    pub const fn new(
        _config: &Config,
        _backend: &Backend,
        _workers: &Workers,
        _stop: &CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self)
    }

    /// `None`.
    pub const fn lab_state(&self) -> Option<watch::Receiver<LabState>> {
        None
    }

    /// No routes.
    pub fn routes(&self) -> LabRoutes {
        LabRoutes::default()
    }

    /// Returns at once.
    #[expect(clippy::unused_async, reason = "as in local.rs")]
    pub async fn ended(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLITUDE: (&str, &str) = ("AMPLITUDE_API_KEY", "00000000000000000000000000000001");
    const STRIPE: [(&str, &str); 2] = [
        ("STRIPE_SECRET_KEY", "sk_test_1"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_1"),
    ];

    async fn start(variables: &[(&str, &str)]) -> Result<(), String> {
        let other = [
            ("COOKIE_KEY", "0123456789abcdef0123456789abcdef"),
            ("SMTP_URL", "smtp://127.0.0.1:9"),
        ];
        let mut config = Config::read(|name| {
            let mut known = variables.iter().chain(&other);
            known
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
        .unwrap();
        let app = "127.0.0.1:1".parse().unwrap();
        let started = start_stand_ins(&mut config, app, None, &CancellationToken::new()).await;
        started.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_configuration_without_keys_is_refused() {
        let refused = |keys: &str| {
            Err(format!(
                "This build has no local mode. Set {keys}, or build the server with the feature `local`."
            ))
        };
        assert_eq!(
            start(&[]).await,
            refused("AMPLITUDE_API_KEY and STRIPE_SECRET_KEY")
        );
        assert_eq!(start(&[AMPLITUDE]).await, refused("STRIPE_SECRET_KEY"));
        assert_eq!(start(&STRIPE).await, refused("AMPLITUDE_API_KEY"));
        assert_eq!(start(&[AMPLITUDE, STRIPE[0], STRIPE[1]]).await, Ok(()));
    }
}
