//! The stand-in: settings, world and state file behind one cheap handle.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::Router;
use local_service::StateError;
use tokio::sync::{Mutex, Notify};
use url::{Host, Url};

use crate::{
    engine::{Cause, Work},
    failure::Failure,
    form::Metadata,
    http,
    settings::{OpenError, Settings, WebhookTarget},
    store::RecordStore,
    webhooks,
    world::{WebhookEndpoint, World},
};

/// A running stand-in for one Stripe account. Cloning it is cheap; all clones share one state.
#[derive(Clone)]
pub struct Stripe {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    store: RecordStore,
    world: Mutex<World>,
    client: reqwest::Client,
    /// Told whenever there may be webhooks to deliver.
    news: Notify,
    ended: AtomicBool,
}

/// Opens a stand-in on its state, creating the state when it is missing.
///
/// # Errors
/// A live key, a release build that did not ask for it, a webhook endpoint on another machine, or a state file that
/// cannot be used.
pub async fn open(settings: Settings) -> Result<Stripe, OpenError> {
    if !cfg!(debug_assertions) && !settings.allow_release {
        return Err(OpenError::Release);
    }
    if settings
        .secret_key
        .as_deref()
        .is_some_and(|key| !is_test_key(key))
    {
        return Err(OpenError::NotATestKey);
    }
    if let Some(foreign) = settings
        .webhooks
        .iter()
        .find(|target| !is_loopback_url(&target.url))
    {
        return Err(OpenError::ForeignWebhook(foreign.url.clone()));
    }
    let client = webhooks::client().map_err(OpenError::Client)?;
    let store = RecordStore::open(&settings.state).await?;
    let mut world = World::new(settings.seed);
    store.load(&mut world).await?;
    register(&mut world, &settings);
    store.write(&world.changes()).await.map_err(StateError::from)?;
    world.settle();
    Ok(Stripe {
        inner: Arc::new(Inner {
            settings,
            store,
            world: Mutex::new(world),
            client,
            news: Notify::new(),
            ended: AtomicBool::new(false),
        }),
    })
}

impl Stripe {
    /// Everything that the stand-in answers: the API, hosted pages, `/_sim/` and the control page. It answers
    /// requests for loopback host names only. Time passes with every request; between them, and for webhooks, only
    /// under `serve`.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }

    /// Waits for running statements and lets the state file go.
    pub async fn close(&self) {
        self.end();
        self.inner.store.close().await;
    }

    pub(crate) fn end(&self) {
        self.inner.ended.store(true, Ordering::SeqCst);
        self.inner.news.notify_one();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.inner.ended.load(Ordering::SeqCst)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.inner.client
    }

    pub(crate) fn news(&self) -> &Notify {
        &self.inner.news
    }

    /// Lets time pass and then runs one operation: what it did is written down as a whole, or undone as a whole.
    ///
    /// The operation is finished even if nobody waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        base_url: String,
        cause: Cause,
        operation: impl FnOnce(&mut Work<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let stripe = self.clone();
        let running = tokio::spawn(async move { stripe.run_here(&base_url, cause, operation).await });
        running.await.unwrap_or_else(|error| {
            tracing::error!(%error, "an operation broke off");
            Err(Failure::broken())
        })
    }

    async fn run_here<T>(
        &self,
        base_url: &str,
        cause: Cause,
        operation: impl FnOnce(&mut Work<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut world = self.inner.world.lock().await;
        // An operation that panicked left its changes behind.
        world.undo();
        self.pass_time(&mut world).await?;
        let wall_ms = self.inner.settings.clock.now_ms();
        let rules = &self.inner.settings.rules;
        let outcome = operation(&mut Work::new(&mut world, rules, wall_ms, base_url, cause));
        match outcome {
            Ok(answer) => {
                self.commit(&mut world).await?;
                // What is due at once follows at once. If it cannot, the log says so and the next operation tries again.
                let _ = self.pass_time(&mut world).await;
                Ok(answer)
            }
            Err(failure) => {
                world.undo();
                Err(failure)
            }
        }
    }

    async fn pass_time(&self, world: &mut World) -> Result<(), Failure> {
        let wall_ms = self.inner.settings.clock.now_ms();
        let caught_up =
            Work::new(world, &self.inner.settings.rules, wall_ms, "", Cause::default()).catch_up();
        if let Err(failure) = caught_up {
            tracing::error!(error = failure.message(), "time could not pass");
            world.undo();
            return Err(Failure::broken());
        }
        self.commit(world).await
    }

    async fn commit(&self, world: &mut World) -> Result<(), Failure> {
        let changes = world.changes();
        if changes.is_empty() {
            world.settle();
            return Ok(());
        }
        if let Err(error) = self.inner.store.write(&changes).await {
            tracing::error!(%error, "the state cannot be written");
            world.undo();
            return Err(Failure::broken());
        }
        world.settle();
        self.inner.news.notify_one();
        Ok(())
    }
}

/// Whether a key is one of Stripe's test keys.
pub(crate) fn is_test_key(key: &str) -> bool {
    ["sk_test_", "rk_test_"]
        .iter()
        .any(|prefix| key.len() > prefix.len() && key.starts_with(prefix))
}

/// Whether a URL stays on this machine.
pub(crate) fn is_loopback_url(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let here = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    here && matches!(url.scheme(), "http" | "https")
}

/// Makes the endpoints of the settings. Those of an earlier start take the new URLs and secrets, in order, so that what
/// was not delivered follows an application to another port; those that are no longer named are disabled.
pub(crate) fn register(world: &mut World, settings: &Settings) {
    let mut known = world
        .all::<WebhookEndpoint>()
        .filter(|endpoint| endpoint.from_settings)
        .cloned()
        .collect::<Vec<_>>()
        .into_iter();
    for WebhookTarget { url, secret } in &settings.webhooks {
        let endpoint = known.next().unwrap_or_else(|| WebhookEndpoint {
            id: world.mint("we"),
            created: settings.clock.now_ms().div_euclid(1000),
            url: String::new(),
            secret: String::new(),
            enabled_events: vec!["*".to_owned()],
            description: Some("From the start".to_owned()),
            disabled: false,
            from_settings: true,
            metadata: Metadata::new(),
        });
        world.put(WebhookEndpoint {
            url: url.clone(),
            secret: secret.clone(),
            disabled: false,
            ..endpoint
        });
    }
    for endpoint in known {
        world.put(WebhookEndpoint {
            disabled: true,
            ..endpoint
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        for (key, expected) in [
            ("sk_test_123", true),
            ("rk_test_123", true),
            ("sk_test_", false),
            ("sk_live_123", false),
            ("pk_test_123", false),
            ("", false),
        ] {
            assert_eq!(is_test_key(key), expected, "{key}");
        }
    }

    #[test]
    fn urls_on_this_machine() {
        for (url, expected) in [
            ("http://127.0.0.1:3000/webhooks/stripe", true),
            ("http://localhost/x", true),
            ("https://[::1]:1/x", true),
            ("http://127.0.0.1.example.com/", false),
            ("http://example.com", false),
            ("ftp://127.0.0.1/", false),
            ("/webhooks", false),
        ] {
            assert_eq!(is_loopback_url(url), expected, "{url}");
        }
    }
}
