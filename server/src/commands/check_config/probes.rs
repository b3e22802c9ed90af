//! Asks the services and this machine. Each probe is one function with a timeout.

use std::net::{IpAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use backend::billing::{StripeCallError, StripeClient};
use backend::config::{AmplitudeConfig, Config, DataConfig, HttpConfig, MailConfig, SmtpServer};
use backend::mail::{SendError, SmtpTransport};
use backend::timeline::AmplitudeReader;
use secrecy::ExposeSecret;
use serde_json::json;

use super::findings::{self, IngestResponse};
use super::{CheckLevel, CheckLine};
use crate::http::assets::missing_files;

/// How long a service may take for all of a probe's requests. The database has 10 s of its own.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What needs no other machine.
pub(super) fn this_machine(http: &HttpConfig) -> Vec<CheckLine> {
    let mut lines = vec![
        findings::public_url(&http.public_url),
        findings::trusted_proxies(&http.public_url, &http.trusted_proxies),
        findings::listening_address(http.listen, bind(http.listen.ip())),
        findings::site_root(&http.site_root, &missing_files(Path::new(&http.site_root))),
    ];
    lines.push(match http.metrics {
        Some(address) => findings::metrics_address(address, bind(address.ip())),
        None => CheckLevel::Ok.line("METRICS_ADDR", "not set: no metrics are served"),
    });
    lines
}

/// Binds a free port: a running server has the configured one.
fn bind(address: IpAddr) -> std::io::Result<()> {
    TcpListener::bind((address, 0)).map(drop)
}

pub(super) async fn database(data: &DataConfig) -> CheckLine {
    findings::database(&db::inspect(data.database_url.expose_secret()).await)
}

pub(super) async fn stripe(config: &Config) -> Vec<CheckLine> {
    const KEY: &str = "STRIPE_SECRET_KEY";
    if config.stripe.local.is_some() {
        return vec![CheckLevel::Ok.line(KEY, "not set: the server starts a stand-in")];
    }
    let asked = tokio::time::timeout(TIMEOUT, ask_stripe(config)).await;
    asked.unwrap_or_else(|_| vec![CheckLevel::Error.line(KEY, "Stripe does not answer within 20 s")])
}

async fn ask_stripe(config: &Config) -> Vec<CheckLine> {
    let is_live = config.stripe.is_live();
    let client = match StripeClient::new(&config.stripe) {
        Ok(client) => client,
        Err(error) => return vec![findings::stripe_key(is_live, Err(&error))],
    };
    let (missing, endpoints) = tokio::join!(client.missing_in_catalog(), client.webhook_endpoints());
    let key = findings::stripe_key(is_live, missing.as_ref().map(drop));
    let Ok(missing) = missing else { return vec![key] };
    let mut url = config.http.public_url.clone();
    url.set_path("webhooks/stripe");
    vec![
        key,
        findings::stripe_catalog(is_live, &missing),
        findings::webhook_endpoint(
            url.as_str(),
            endpoints.as_deref().map_err(|error: &StripeCallError| error),
        ),
    ]
}

pub(super) async fn amplitude(amplitude: &AmplitudeConfig) -> Vec<CheckLine> {
    if amplitude.local.is_some() {
        return vec![CheckLevel::Ok.line("AMPLITUDE_API_KEY", "not set: the server starts a stand-in")];
    }
    let (ingest, read) = tokio::join!(ingest(amplitude), read(amplitude));
    vec![ingest, read]
}

/// Uploads no event: Amplitude refuses the request for that, or for its key.
async fn ingest(amplitude: &AmplitudeConfig) -> CheckLine {
    let ask = async {
        let mut url = amplitude.ingest_url.clone();
        url.set_path("/2/httpapi");
        let client = amplitude.http_client().timeout(TIMEOUT).build()?;
        let upload = json!({"api_key": amplitude.api_key.expose_secret(), "events": []});
        let response = client.post(url).json(&upload).send().await?;
        let status = response.status().as_u16();
        let body: serde_json::Value = serde_json::from_str(&response.text().await?).unwrap_or_default();
        Ok::<_, reqwest::Error>(IngestResponse {
            status,
            error: body["error"].as_str().unwrap_or_default().to_owned(),
        })
    };
    findings::amplitude_key(ask.await.as_ref().map_err(drop))
}

/// Searches a user that does not exist. It is one of the queries that Amplitude allows in an hour.
async fn read(amplitude: &AmplitudeConfig) -> CheckLine {
    if amplitude.secret_key.is_none() {
        return findings::amplitude_secret(None);
    }
    let found = match AmplitudeReader::new(amplitude) {
        Ok(reader) => reader.find("seamline check-config").await.map(drop),
        Err(error) => Err(error),
    };
    findings::amplitude_secret(Some(&found))
}

pub(super) async fn smtp(mail: &MailConfig) -> CheckLine {
    let Some(server) = &mail.smtp else {
        return CheckLevel::Ok.line("SMTP_URL", "not set: mails stay in the mailbox of the app");
    };
    let asked = tokio::time::timeout(TIMEOUT, ask_smtp(server)).await;
    let timeout = || SendError::Temporary("the SMTP server does not answer within 20 s".to_owned());
    findings::smtp(&asked.unwrap_or_else(|_| Err(timeout())))
}

async fn ask_smtp(server: &SmtpServer) -> Result<(), SendError> {
    // Its error names the part of the URL that is wrong, not the password.
    let transport = SmtpTransport::new(&server.url, &server.from);
    let transport = transport.map_err(|error| SendError::Permanent(error.to_string()))?;
    transport.check().await
}
