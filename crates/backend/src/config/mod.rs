//! Configuration, read once from the environment into types. Every unsafe mix refuses to start with one sentence.
//! `.env.example` lists the variables in the order of this file.

mod error;
mod mail;
mod network;
mod stripe;

pub use error::ConfigError;
pub use mail::{Admins, MailConfig, SmtpServer};
pub use stripe::Stripe;

use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tracking::ConsentDefault;
use url::Url;

use crate::hex;
use error::malformed;
use network::{base_url, on_loopback, socket};

/// Keys of local mode. Anybody may know them: they open a stand-in on this machine, and nothing else.
const LOCAL_API_KEY: &str = "5ea11e00000000000000000000000a11";
const LOCAL_SECRET_KEY: &str = "5ea11e00000000000000000000005ec2";

/// Everything that can be set.
#[derive(Debug)]
pub struct Config {
    /// Where the app listens and how the world sees it.
    pub http: Http,
    /// Where the data is.
    pub data: Data,
    /// Where events go.
    pub amplitude: Amplitude,
    /// Where money comes from.
    pub stripe: Stripe,
    /// What unset consent means, and what goes along.
    pub privacy: Privacy,
    /// Where mails go, and who operates the site.
    pub mail: MailConfig,
}

/// Listening.
#[derive(Debug)]
pub struct Http {
    /// `LEPTOS_SITE_ADDR`.
    pub listen: SocketAddr,
    /// `PUBLIC_URL`: scheme, host and port that a browser sees; no path.
    pub public_url: Url,
    /// `CLIENT_IP_HEADER`: the header in which a proxy of ours hands on the visitor's address. Unset: the peer's is taken.
    pub client_ip_header: Option<String>,
    /// `LEPTOS_SITE_ROOT`: folder of the files that pages name, as the build made it. cargo-leptos sets it while developing.
    pub site_root: String,
}

/// Storage.
#[derive(Debug)]
pub struct Data {
    /// `DATABASE_URL`. It may hold a password.
    pub database_url: SecretString,
    /// `DATA_DIR`: files of local mode.
    pub dir: PathBuf,
    /// `OUTBOX_KEEP_DAYS`: how long sent events keep their payload.
    pub outbox_keep_days: u32,
}

/// Amplitude, or its stand-in.
#[derive(Debug)]
pub struct Amplitude {
    /// `AMPLITUDE_API_KEY`: names the project when events are sent.
    pub api_key: SecretString,
    /// `AMPLITUDE_SECRET_KEY`: reads events back, for the timeline.
    pub secret_key: Option<SecretString>,
    /// Base URL for sending events.
    pub ingest_url: Url,
    /// Base URL of the Dashboard REST API.
    pub read_url: Url,
    /// 32 hex digits, derived from the API key: names the SDK's cookie and goes into the page in the key's place.
    pub public_key: String,
    /// `Some`: the stand-in runs inside this process, listening here.
    pub local: Option<SocketAddr>,
    /// Whether it is a stand-in at all: pages that show everybody's events are only mounted then.
    pub is_local: bool,
}

impl Amplitude {
    /// Where the stand-in's own page is. Under another name than the app's, so that it is another site to browsers, as
    /// Amplitude itself would be.
    pub fn collector_page(&self) -> Option<String> {
        let port = self.read_url.port_or_known_default()?;
        self.is_local.then(|| format!("http://localhost:{port}/"))
    }
}

/// Consent and personal data.
#[derive(Debug)]
pub struct Privacy {
    /// `CONSENT_DEFAULT`.
    pub consent_default: ConsentDefault,
    /// `TRACK_EMAIL`: send the address itself as a user property.
    pub track_email: bool,
}

impl Config {
    /// Both stand-ins, on this machine: what only a demo may have is mounted then.
    pub const fn is_local_mode(&self) -> bool {
        self.amplitude.is_local && self.stripe.is_local()
    }

    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads from `get`; an empty value is an unset one.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| {
            get(name)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let listen = socket(&get, "LEPTOS_SITE_ADDR", "127.0.0.1:3000")?;
        let data = data(&get)?;
        let amplitude = amplitude(&get)?;
        let stripe = Stripe::read(&get)?;
        let http = Http {
            public_url: public_url(&get, listen)?,
            client_ip_header: get("CLIENT_IP_HEADER").map(|name| name.to_ascii_lowercase()),
            site_root: get("LEPTOS_SITE_ROOT").unwrap_or_else(|| "target/site".to_owned()),
            listen,
        };
        if amplitude.is_local && stripe.is_live() {
            return Err(ConfigError::LiveKeyBesideStandIn);
        }
        if amplitude.is_local || stripe.is_local() {
            if !listen.ip().is_loopback() {
                return Err(ConfigError::LocalModeOffLoopback {
                    name: "LEPTOS_SITE_ADDR",
                });
            }
            if !on_loopback(&http.public_url) {
                return Err(ConfigError::LocalModeOffLoopback { name: "PUBLIC_URL" });
            }
        }
        let unset = if amplitude.is_local {
            ConsentDefault::Granted
        } else {
            ConsentDefault::Denied
        };
        let privacy = Privacy {
            consent_default: match get("CONSENT_DEFAULT").as_deref() {
                None => unset,
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
        })
    }
}

fn data(get: &impl Fn(&str) -> Option<String>) -> Result<Data, ConfigError> {
    let dir = PathBuf::from(get("DATA_DIR").unwrap_or_else(|| "data".to_owned()));
    let database_url =
        get("DATABASE_URL").unwrap_or_else(|| format!("sqlite:{}", dir.join("seamline.db").display()));
    if !["sqlite:", "postgres:", "postgresql:"]
        .iter()
        .any(|scheme| database_url.starts_with(scheme))
    {
        return Err(malformed("DATABASE_URL", "a `sqlite:` or a `postgres:` URL"));
    }
    let outbox_keep_days = match get("OUTBOX_KEEP_DAYS") {
        None => 30,
        Some(text) => text
            .parse()
            .map_err(|_| malformed("OUTBOX_KEEP_DAYS", "a whole number of days"))?,
    };
    Ok(Data {
        database_url: database_url.into(),
        dir,
        outbox_keep_days,
    })
}

fn amplitude(get: &impl Fn(&str) -> Option<String>) -> Result<Amplitude, ConfigError> {
    let url = get("AMPLITUDE_URL")
        .map(|text| base_url("AMPLITUDE_URL", &text))
        .transpose()?;
    let secret_key = get("AMPLITUDE_SECRET_KEY");
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
        return Ok(Amplitude {
            api_key: LOCAL_API_KEY.into(),
            secret_key: Some(LOCAL_SECRET_KEY.into()),
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
    Ok(Amplitude {
        public_key: public_key(&api_key),
        api_key: api_key.into(),
        secret_key: secret_key.map(Into::into),
        ingest_url: url
            .clone()
            .map_or_else(|| base_url("AMPLITUDE_URL", ingest), Ok)?,
        read_url: url.map_or_else(|| base_url("AMPLITUDE_URL", read), Ok)?,
        local: None,
        is_local: false,
    })
}

/// The same over restarts and servers, and no way back to the API key.
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
    if url.scheme() == "http" && !on_loopback(&url) {
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
