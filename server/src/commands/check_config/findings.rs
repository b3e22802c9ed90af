//! The findings on what the probes got, as functions of values.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use backend::billing::mapping::WEBHOOK_TYPES;
use backend::billing::{StripeCallError, WebhookEndpoint};
use backend::config::TrustedProxies;
use backend::mail::SendError;
use backend::timeline::ReadError;
use db::{InspectError, InspectedDatabase};
use url::Url;

use super::CheckLevel::{Error, Ok as Good, Warning};
use super::CheckLine;

/// The configuration allows plain http for loopback addresses only.
pub(super) fn public_url(url: &Url) -> CheckLine {
    let text = url.as_str().trim_end_matches('/');
    match url.scheme() {
        "https" => Good.line("PUBLIC_URL", text),
        _ => Warning.line(
            "PUBLIC_URL",
            format!("{text} is for browsers on this machine; a site needs https"),
        ),
    }
}

/// Addresses that no site's own proxy has (RFC 5737, RFC 3849).
const FOREIGN: [&str; 2] = ["203.0.113.1", "2001:db8::1"];

pub(super) fn trusted_proxies(public_url: &Url, proxies: &TrustedProxies) -> CheckLine {
    const SETTING: &str = "TRUSTED_PROXIES";
    let trusts = |address: &str| {
        address
            .parse::<IpAddr>()
            .is_ok_and(|address| proxies.contains(address))
    };
    if FOREIGN.into_iter().any(trusts) {
        return Error.line(
            SETTING,
            "trusts all addresses, so that clients choose theirs; name the proxy's address or network",
        );
    }
    match (proxies.is_empty(), public_url.scheme()) {
        (false, _) => Good.line(SETTING, "set"),
        (true, "https") => Warning.line(
            SETTING,
            "none, but the server has no TLS of its own; name the proxy that has, or all visitors have its address",
        ),
        (true, _) => Good.line(SETTING, "none: clients connect directly"),
    }
}

fn check_bind(
    setting: &'static str,
    address: SocketAddr,
    bind: std::io::Result<()>,
) -> Result<(), CheckLine> {
    bind.map_err(|error| match error.kind() {
        ErrorKind::AddrNotAvailable => Error.line(
            setting,
            format!("{} is not an address of this machine", address.ip()),
        ),
        _ => Error.line(setting, format!("{address} cannot be used: {error}")),
    })
}

/// `bind`: whether a free port of the address can be bound.
pub(super) fn listening_address(address: SocketAddr, bind: std::io::Result<()>) -> CheckLine {
    const SETTING: &str = "LEPTOS_SITE_ADDR";
    match check_bind(SETTING, address, bind) {
        Ok(()) => Good.line(SETTING, address.to_string()),
        Err(line) => line,
    }
}

/// `bind`: whether a free port of the address can be bound.
pub(super) fn metrics_address(address: SocketAddr, bind: std::io::Result<()>) -> CheckLine {
    const SETTING: &str = "METRICS_ADDR";
    if let Err(line) = check_bind(SETTING, address, bind) {
        return line;
    }
    let is_private = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    match is_private {
        true => Good.line(SETTING, address.to_string()),
        false => Warning.line(
            SETTING,
            format!(
                "{address} is not a private address, and metrics need no login; name one, or close the port"
            ),
        ),
    }
}

/// `missing`: files of the build that are not there.
pub(super) fn site_root(folder: &str, missing: &[&str]) -> CheckLine {
    const SETTING: &str = "LEPTOS_SITE_ROOT";
    match missing {
        [] => Good.line(SETTING, folder),
        missing => Error.line(
            SETTING,
            format!(
                "{folder} lacks {}; name the folder `site` of the package",
                missing.join(", ")
            ),
        ),
    }
}

pub(super) fn database(inspected: &Result<InspectedDatabase, InspectError>) -> CheckLine {
    const SETTING: &str = "DATABASE_URL";
    let inspected = match inspected {
        Ok(inspected) => inspected,
        Err(InspectError::NoFile(file)) => {
            let text = format!(
                "{} does not exist; `seamline migrate` and the server create it",
                file.display()
            );
            return Warning.line(SETTING, text);
        }
        Err(error) => return Error.line(SETTING, format!("cannot be opened: {error}")),
    };
    let transport = match inspected.is_encrypted {
        None => "SQLite",
        Some(true) => "Postgres, with TLS",
        // The configuration refuses it beyond this machine.
        Some(false) => "Postgres on this machine, without TLS",
    };
    let schema = &inspected.schema;
    match (schema.changed.as_slice(), schema.missing, schema.unknown.len()) {
        ([], 0, 0) => Good.line(SETTING, format!("{transport}; the schema is of this version")),
        ([], 0, unknown) => Good.line(
            SETTING,
            format!(
                "{transport}; the schema is of a newer version ({}), which this one can use",
                migrations(unknown)
            ),
        ),
        ([], missing, _) => Warning.line(
            SETTING,
            format!(
                "{transport}; {} to be run, by `seamline migrate` or the server",
                migrations(missing)
            ),
        ),
        ([first, ..], ..) => Error.line(
            SETTING,
            format!(
                "{transport}; migration {first} differs from this version's: is it a database of Seamline?"
            ),
        ),
    }
}

fn migrations(number: usize) -> String {
    match number {
        1 => "1 migration".to_owned(),
        number => format!("{number} migrations"),
    }
}

/// What a failed call says. Stripe's own message may repeat what was sent, so it is left out.
fn stripe_failure(error: &StripeCallError) -> String {
    match error {
        StripeCallError::Rejected { status: 401, .. } => "Stripe does not accept the key (401)".to_owned(),
        StripeCallError::Rejected { status: 403, .. } => "the key lacks a permission (403)".to_owned(),
        StripeCallError::Rejected { status, .. } => format!("Stripe rejected the request ({status})"),
        StripeCallError::Busy { status, .. } => format!("Stripe is busy ({status}); try again later"),
        error => error.to_string(),
    }
}

/// `catalog`: the response to a request for prices.
pub(super) fn stripe_key(is_live: bool, catalog: Result<(), &StripeCallError>) -> CheckLine {
    const SETTING: &str = "STRIPE_SECRET_KEY";
    match (catalog, is_live) {
        (Err(error), _) => Error.line(SETTING, stripe_failure(error)),
        (Ok(()), true) => Good.line(SETTING, "accepted; live mode"),
        (Ok(()), false) => Good.line(SETTING, "accepted; test mode, no money moves"),
    }
}

/// A server creates a missing catalog in test mode only.
pub(super) fn stripe_catalog(is_live: bool, missing: &[&str]) -> CheckLine {
    const SETTING: &str = "Stripe's catalog";
    let missing = match missing {
        [] => return Good.line(SETTING, "prices and the portal's configuration exist"),
        missing => missing.join(", "),
    };
    match is_live {
        true => Error.line(
            SETTING,
            format!("lacks {missing}; `seamline setup-stripe` creates it"),
        ),
        false => Warning.line(
            SETTING,
            format!("lacks {missing}; `seamline setup-stripe`, or the first Checkout, creates it"),
        ),
    }
}

/// `url`: where this site receives webhooks.
pub(super) fn webhook_endpoint(
    url: &str,
    endpoints: Result<&[WebhookEndpoint], &StripeCallError>,
) -> CheckLine {
    const SETTING: &str = "Stripe's webhook endpoint";
    let endpoints = match endpoints {
        Ok(endpoints) => endpoints,
        Err(error) => {
            let text = format!("cannot be checked: {}", stripe_failure(error));
            return Warning.line(SETTING, text);
        }
    };
    let ours: Vec<_> = endpoints.iter().filter(|endpoint| endpoint.url == url).collect();
    if ours.is_empty() {
        return Error.line(
            SETTING,
            format!("none for {url}; create it for {}", WEBHOOK_TYPES.join(", ")),
        );
    }
    let enabled: Vec<_> = ours
        .iter()
        .filter(|endpoint| endpoint.status == "enabled")
        .collect();
    if enabled.is_empty() {
        return Error.line(SETTING, format!("{url} is disabled; enable it at Stripe"));
    }
    let is_sent = |kind: &&str| {
        let mut types = enabled.iter().flat_map(|endpoint| &endpoint.enabled_events);
        types.any(|sent| sent == "*" || sent == kind)
    };
    let missing: Vec<_> = WEBHOOK_TYPES.into_iter().filter(|kind| !is_sent(kind)).collect();
    match missing.as_slice() {
        [] => Good.line(SETTING, format!("{url} gets all {} types", WEBHOOK_TYPES.len())),
        missing => Error.line(
            SETTING,
            format!("{url} does not get {}; add them at Stripe", missing.join(", ")),
        ),
    }
}

/// The response to an upload without events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IngestResponse {
    pub(super) status: u16,
    /// Amplitude's message. It may repeat the key.
    pub(super) error: String,
}

/// `Err`: no response. Amplitude refuses each upload without events, with another message for an unknown key.
pub(super) fn amplitude_key(response: Result<&IngestResponse, ()>) -> CheckLine {
    const SETTING: &str = "AMPLITUDE_API_KEY";
    let Ok(response) = response else {
        return Error.line(SETTING, "Amplitude cannot be reached");
    };
    let names_the_key = response
        .error
        .to_lowercase()
        .replace('_', " ")
        .contains("api key");
    match response.status {
        400 if names_the_key => Error.line(
            SETTING,
            "Amplitude does not know the key; is AMPLITUDE_REGION that of the project?",
        ),
        200 | 400 => Good.line(SETTING, "accepted"),
        status @ (429 | 500..) => {
            Warning.line(SETTING, format!("Amplitude is busy ({status}); try again later"))
        }
        status => Error.line(SETTING, format!("Amplitude refused an upload ({status})")),
    }
}

/// `None`: there is no secret key. The result is that of a query.
pub(super) fn amplitude_secret(found: Option<&Result<(), ReadError>>) -> CheckLine {
    const SETTING: &str = "AMPLITUDE_SECRET_KEY";
    match found {
        None => Warning.line(
            SETTING,
            "not set: there are no timelines, and account deletions are parked",
        ),
        Some(Ok(())) => Good.line(SETTING, "accepted"),
        Some(Err(ReadError::RateLimited)) => Warning.line(
            SETTING,
            "Amplitude's queries of this hour are used up; try again later",
        ),
        Some(Err(ReadError::Status(status))) if matches!(status.as_u16(), 401 | 403) => Error.line(
            SETTING,
            format!("Amplitude does not accept the key with AMPLITUDE_API_KEY ({status})"),
        ),
        Some(Err(ReadError::Status(status))) => Warning.line(
            SETTING,
            format!("Amplitude responded with {status}; try again later"),
        ),
        Some(Err(_)) => Error.line(SETTING, "Amplitude cannot be reached"),
    }
}

pub(super) fn smtp(checked: &Result<(), SendError>) -> CheckLine {
    const SETTING: &str = "SMTP_URL";
    match checked {
        Ok(()) => Good.line(SETTING, "connection and login work; no mail was sent"),
        Err(error) => Error.line(
            SETTING,
            format!("{error}; check scheme, host, port, user and password"),
        ),
    }
}

#[cfg(test)]
mod tests;
