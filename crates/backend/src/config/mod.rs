//! Configuration, read once from the environment. An unsafe combination is an error, and the app does not start.
//! `.env.example` lists the variables in the order of this file.

mod error;
mod limits;
mod local_access;
mod logs;
mod mail;
mod network;
mod protection;
mod proxies;
mod stripe;

pub use error::ConfigError;
pub use limits::ConnectionLimits;
pub use local_access::LocalAccess;
pub use logs::LogFormat;
pub use mail::{MailConfig, SmtpServer};
pub use protection::ProtectionConfig;
pub use proxies::TrustedProxies;
pub use stripe::StripeConfig;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use db::PoolSizes;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tracking::ConsentDefault;
use url::Url;

use crate::hex;
use error::malformed;
use network::{base_url, is_encrypted, on_loopback, socket};

/// Keys of local mode. They are public: they only give access to a stand-in on this machine.
const LOCAL_API_KEY: &str = "5ea11e00000000000000000000000a11";
const LOCAL_SECRET_KEY: &str = "5ea11e00000000000000000000005ec2";

/// Amplitude's limit for a project (Dashboard REST API, "Rate limits").
const DEFAULT_QUERIES_PER_HOUR: NonZeroU32 = NonZeroU32::new(360).unwrap();

/// The configuration of the app.
#[derive(Debug)]
pub struct Config {
    /// Listening address and public URL.
    pub http: HttpConfig,
    /// Storage.
    pub data: DataConfig,
    /// Amplitude.
    pub amplitude: AmplitudeConfig,
    /// Stripe.
    pub stripe: StripeConfig,
    /// Consent default and personal data.
    pub privacy: PrivacyConfig,
    /// Mails and operators.
    pub mail: MailConfig,
    /// Signed cookies and limits.
    pub protection: ProtectionConfig,
}

/// Configuration of the HTTP server.
#[derive(Debug)]
pub struct HttpConfig {
    /// `LEPTOS_SITE_ADDR`.
    pub listen: SocketAddr,
    /// `PUBLIC_URL`: scheme, host and port as browsers see them; no path.
    pub public_url: Url,
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: TrustedProxies,
    /// Which requests are accepted; `None` without a stand-in, where no request is refused for its host.
    pub local_access: Option<LocalAccess>,
    /// Connections and feeds.
    pub limits: ConnectionLimits,
    /// `DRAIN_SECS`: how long the server accepts connections after `/readyz` has begun to fail.
    pub drain: Duration,
    /// `METRICS_ADDR`: where metrics are served; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// `LEPTOS_SITE_ROOT`: folder of the built assets. cargo-leptos sets it during development.
    pub site_root: String,
}

/// Configuration of storage.
#[derive(Debug)]
pub struct DataConfig {
    /// `DATABASE_URL`. It may contain a password.
    pub database_url: SecretString,
    /// `DATABASE_MAX_CONNECTIONS` on Postgres, `DATABASE_READERS` on SQLite.
    pub pool_sizes: PoolSizes,
    /// `DATA_DIR`: files of local mode.
    pub dir: PathBuf,
    /// `OUTBOX_KEEP_DAYS`: how many days applied webhooks keep their payload, and browser counts are kept.
    pub outbox_keep_days: u32,
}

/// Configuration of Amplitude, or of its stand-in.
#[derive(Debug)]
pub struct AmplitudeConfig {
    /// `AMPLITUDE_API_KEY`: the project that events are sent to.
    pub api_key: SecretString,
    /// `AMPLITUDE_SECRET_KEY`: needed to read events back, for the timeline.
    pub secret_key: Option<SecretString>,
    /// `AMPLITUDE_QUERIES_PER_HOUR`: how many queries of the Dashboard REST API this process may make in an hour.
    pub queries_per_hour: NonZeroU32,
    /// Base URL for sending events.
    pub ingest_url: Url,
    /// Base URL of the Dashboard REST API.
    pub read_url: Url,
    /// 32 hex digits derived from the API key. They name the SDK's cookie and replace the key in pages.
    pub public_key: String,
    /// The address of the stand-in, if it runs inside this process.
    pub local: Option<SocketAddr>,
    /// Whether it is a stand-in. Pages that show all users' events exist only then.
    pub is_local: bool,
}

impl AmplitudeConfig {
    /// URL of the stand-in's page. It uses another host name than the app, so that browsers treat it as another site.
    pub fn collector_page(&self) -> Option<String> {
        let port = self.read_url.port_or_known_default()?;
        self.is_local.then(|| format!("http://localhost:{port}/"))
    }

    /// An HTTP client for the project. It follows no redirect, which would take the key along. The stand-in has a loopback
    /// address, which a proxy of the environment cannot reach.
    pub fn http_client(&self) -> reqwest::ClientBuilder {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        match self.is_local {
            true => client.no_proxy(),
            false => client,
        }
    }
}

/// Configuration of consent and personal data.
#[derive(Debug)]
pub struct PrivacyConfig {
    /// `CONSENT_DEFAULT`.
    pub consent_default: ConsentDefault,
    /// `TRACK_EMAIL`: whether the email address is sent as a user property.
    pub track_email: bool,
}

impl Config {
    /// Whether both stand-ins are used. Demo features exist only then.
    pub const fn is_local_mode(&self) -> bool {
        self.amplitude.is_local && self.stripe.is_local()
    }

    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads the variables from `get`. An empty value counts as unset.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| {
            get(name)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let listen = socket(&get, "LEPTOS_SITE_ADDR", "127.0.0.1:3000")?;
        let data = data(&get)?;
        let amplitude = amplitude(&get)?;
        let stripe = StripeConfig::read(&get)?;
        let uses_stand_in = amplitude.is_local || stripe.is_local();
        let public_url = public_url(&get, listen)?;
        let trusted_proxies = proxies::read(&get, &public_url)?;
        let http = HttpConfig {
            // A plain http URL is a loopback one: others are refused.
            local_access: local_access::read(
                &get,
                uses_stand_in,
                public_url.scheme() == "http",
                !cfg!(debug_assertions),
            )?,
            limits: limits::read(&get)?,
            drain: limits::drain(&get, !trusted_proxies.is_empty())?,
            metrics: network::metrics_address(&get)?,
            trusted_proxies,
            public_url,
            site_root: get("LEPTOS_SITE_ROOT").unwrap_or_else(|| "target/site".to_owned()),
            listen,
        };
        if amplitude.is_local && stripe.is_live() {
            return Err(ConfigError::LiveKeyWithStandIn);
        }
        if uses_stand_in {
            if !listen.ip().is_loopback() {
                return Err(ConfigError::LocalModeOffLoopback {
                    name: "LEPTOS_SITE_ADDR",
                });
            }
            if !on_loopback(&http.public_url) {
                return Err(ConfigError::LocalModeOffLoopback { name: "PUBLIC_URL" });
            }
        }
        let default = if amplitude.is_local {
            ConsentDefault::Granted
        } else {
            ConsentDefault::Denied
        };
        let privacy = PrivacyConfig {
            consent_default: match get("CONSENT_DEFAULT").as_deref() {
                None => default,
                Some("granted") => ConsentDefault::Granted,
                Some("denied") => ConsentDefault::Denied,
                Some(_) => return Err(malformed("CONSENT_DEFAULT", "`granted` or `denied`")),
            },
            track_email: flag(&get, "TRACK_EMAIL")?,
        };
        let mail = mail::read(&get, amplitude.is_local && stripe.is_local(), &http.public_url)?;
        Ok(Self {
            http,
            data,
            amplitude,
            stripe,
            privacy,
            mail,
            protection: protection::read(&get, uses_stand_in)?,
        })
    }
}

fn data(get: &impl Fn(&str) -> Option<String>) -> Result<DataConfig, ConfigError> {
    let dir = PathBuf::from(get("DATA_DIR").unwrap_or_else(|| "data".to_owned()));
    let database_url =
        get("DATABASE_URL").unwrap_or_else(|| format!("sqlite:{}", dir.join("seamline.db").display()));
    if !["sqlite:", "postgres:", "postgresql:"]
        .iter()
        .any(|scheme| database_url.starts_with(scheme))
    {
        return Err(malformed("DATABASE_URL", "a `sqlite:` or a `postgres:` URL"));
    }
    if !db::is_private(&database_url).map_err(|_| malformed("DATABASE_URL", "a valid `postgres:` URL"))? {
        return Err(ConfigError::PlainPostgres);
    }
    let size = |name: &'static str, default: u32| match get(name) {
        None => Ok(default),
        // A worker reads on one connection while its transaction holds another one.
        Some(text) => {
            (text.parse().ok().filter(|size| *size > 1)).ok_or(malformed(name, "a whole number above 1"))
        }
    };
    let defaults = PoolSizes::default();
    let pool_sizes = PoolSizes {
        postgres: size("DATABASE_MAX_CONNECTIONS", defaults.postgres)?,
        sqlite_readers: size("DATABASE_READERS", defaults.sqlite_readers)?,
    };
    let outbox_keep_days = match get("OUTBOX_KEEP_DAYS") {
        None => 30,
        Some(text) => text
            .parse()
            .map_err(|_| malformed("OUTBOX_KEEP_DAYS", "a whole number of days"))?,
    };
    Ok(DataConfig {
        database_url: database_url.into(),
        pool_sizes,
        dir,
        outbox_keep_days,
    })
}

fn amplitude(get: &impl Fn(&str) -> Option<String>) -> Result<AmplitudeConfig, ConfigError> {
    let url = get("AMPLITUDE_URL")
        .map(|text| base_url("AMPLITUDE_URL", &text))
        .transpose()?;
    let secret_key = get("AMPLITUDE_SECRET_KEY");
    let queries_per_hour = match get("AMPLITUDE_QUERIES_PER_HOUR") {
        None => DEFAULT_QUERIES_PER_HOUR,
        Some(text) => text
            .parse()
            .map_err(|_| malformed("AMPLITUDE_QUERIES_PER_HOUR", "a whole number above 0"))?,
    };
    let Some(api_key) = get("AMPLITUDE_API_KEY") else {
        let listen = socket(get, "AMPLITUDE_LOCAL_ADDR", "127.0.0.1:12112")?;
        if !listen.ip().is_loopback() {
            return Err(ConfigError::LocalModeOffLoopback {
                name: "AMPLITUDE_LOCAL_ADDR",
            });
        }
        if url.as_ref().is_some_and(|url| !on_loopback(url)) {
            return Err(ConfigError::StandInOffLoopback {
                name: "AMPLITUDE_URL",
            });
        }
        let local = url.is_none().then_some(listen);
        let url = match url {
            Some(url) => url,
            None => base_url("AMPLITUDE_LOCAL_ADDR", &format!("http://{listen}"))?,
        };
        return Ok(AmplitudeConfig {
            api_key: LOCAL_API_KEY.into(),
            secret_key: Some(LOCAL_SECRET_KEY.into()),
            queries_per_hour,
            ingest_url: url.clone(),
            read_url: url,
            public_key: public_key(LOCAL_API_KEY),
            local,
            is_local: true,
        });
    };
    let (ingest, read) = match get("AMPLITUDE_REGION").as_deref() {
        None | Some("us" | "US") => ("https://api2.amplitude.com", "https://amplitude.com"),
        Some("eu" | "EU") => (
            "https://api.eu.amplitude.com",
            "https://analytics.eu.amplitude.com",
        ),
        Some(_) => return Err(malformed("AMPLITUDE_REGION", "`us` or `eu`")),
    };
    if url.as_ref().is_some_and(|url| !is_encrypted(url)) {
        return Err(ConfigError::PlainAmplitude);
    }
    Ok(AmplitudeConfig {
        public_key: public_key(&api_key),
        api_key: api_key.into(),
        secret_key: secret_key.map(Into::into),
        queries_per_hour,
        ingest_url: url
            .clone()
            .map_or_else(|| base_url("AMPLITUDE_URL", ingest), Ok)?,
        read_url: url.map_or_else(|| base_url("AMPLITUDE_URL", read), Ok)?,
        local: None,
        is_local: false,
    })
}

/// The same on every server and after restarts. The API key cannot be derived from it.
fn public_key(api_key: &str) -> String {
    let digest = Sha256::new()
        .chain_update("seamline public key\0")
        .chain_update(api_key)
        .finalize();
    hex::encode(&digest[..16])
}

fn public_url(get: &impl Fn(&str) -> Option<String>, listen: SocketAddr) -> Result<Url, ConfigError> {
    let text = get("PUBLIC_URL").unwrap_or_else(|| format!("http://{listen}"));
    let url = base_url("PUBLIC_URL", &text)?;
    if !is_encrypted(&url) {
        return Err(ConfigError::PlainHttp);
    }
    Ok(url)
}

fn flag(get: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<bool, ConfigError> {
    match get(name).as_deref() {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(malformed(name, "`true` or `false`")),
    }
}
