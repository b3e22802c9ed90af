//! A table for each finding.

use db::SchemaDifference;
use reqwest::StatusCode;

use super::super::CheckLevel;
use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// The level, and that the text has a part.
fn assert_line(line: &CheckLine, level: CheckLevel, part: &str) {
    assert_eq!(line.level, level, "{line}");
    assert!(line.text.contains(part), "{part} in {line}");
}

#[test]
fn public_urls_and_proxies() {
    let (https, http) = (url("https://demo.example"), url("http://127.0.0.1:3000"));
    assert_line(&public_url(&https), Good, "https://demo.example");
    assert_line(&public_url(&http), Warning, "needs https");
    for (site, proxies, level, part) in [
        (&https, "10.0.0.0/8", Good, "set"),
        (&https, "none", Warning, "no TLS of its own"),
        (&http, "none", Good, "directly"),
        (&https, "0.0.0.0/0", Error, "trusts all"),
        (&https, "::/0", Error, "trusts all"),
    ] {
        let proxies = TrustedProxies::parse(proxies).unwrap();
        assert_line(&trusted_proxies(site, &proxies), level, part);
    }
}

#[test]
fn addresses() {
    let failed = |kind: ErrorKind| Err(std::io::Error::from(kind));
    let address: SocketAddr = "10.0.0.11:3000".parse().unwrap();
    assert_line(&listening_address(address, Ok(())), Good, "10.0.0.11:3000");
    let foreign = listening_address(address, failed(ErrorKind::AddrNotAvailable));
    assert_line(&foreign, Error, "10.0.0.11 is not an address of this machine");
    let refused = metrics_address(address, failed(ErrorKind::PermissionDenied));
    assert_line(&refused, Error, "cannot be used");
    for (address, level) in [
        ("127.0.0.1:9464", Good),
        ("192.168.0.2:9464", Good),
        ("[fd00::1]:9464", Good),
        ("0.0.0.0:9464", Warning),
        ("203.0.113.1:9464", Warning),
        ("[2001:db8::1]:9464", Warning),
    ] {
        assert_eq!(
            metrics_address(address.parse().unwrap(), Ok(())).level,
            level,
            "{address}"
        );
    }
    assert_line(&site_root("site", &[]), Good, "site");
    assert_line(
        &site_root("site", &["seam.js", "b"]),
        Error,
        "site lacks seam.js, b;",
    );
}

#[test]
fn databases() {
    let inspected = |missing, unknown: &[i64], changed: &[i64]| {
        database(&Ok(InspectedDatabase {
            schema: SchemaDifference {
                missing,
                unknown: unknown.to_vec(),
                changed: changed.to_vec(),
            },
            is_encrypted: Some(true),
        }))
    };
    assert_line(
        &inspected(0, &[], &[]),
        Good,
        "Postgres, with TLS; the schema is of this version",
    );
    assert_line(&inspected(0, &[9], &[]), Good, "newer version (1 migration),");
    assert_line(&inspected(1, &[], &[]), Warning, "1 migration to be run");
    assert_line(&inspected(2, &[], &[]), Warning, "2 migrations to be run");
    assert_line(&inspected(2, &[9], &[1]), Error, "migration 1 differs");
    assert_line(
        &database(&Err(InspectError::NoFile("a.db".into()))),
        Warning,
        "a.db does not exist",
    );
    assert_line(
        &database(&Err(InspectError::Timeout)),
        Error,
        "no answer within 10 s",
    );
}

fn rejected(status: u16) -> StripeCallError {
    StripeCallError::Rejected {
        status,
        code: String::new(),
        message: "Invalid API Key provided: sk_live_secret".to_owned(),
    }
}

#[test]
fn stripe_keys_and_catalogs() {
    let busy = StripeCallError::Busy {
        status: 503,
        message: String::new(),
    };
    let unreachable = StripeCallError::Unreachable("timeout".to_owned());
    for (response, level, part) in [
        (Ok(()), Good, "live mode"),
        (Err(&rejected(401)), Error, "does not accept the key (401)"),
        (Err(&rejected(403)), Error, "lacks a permission"),
        (Err(&rejected(400)), Error, "(400)"),
        (Err(&busy), Error, "try again later"),
        (Err(&unreachable), Error, "cannot be reached: timeout"),
    ] {
        let line = stripe_key(true, response);
        assert_line(&line, level, part);
        assert!(!line.text.contains("secret"), "{line}");
    }
    assert_line(&stripe_key(false, Ok(())), Good, "test mode");
    assert_line(&stripe_catalog(true, &[]), Good, "exist");
    assert_line(
        &stripe_catalog(true, &["a", "b"]),
        Error,
        "lacks a, b; `seamline setup-stripe`",
    );
    assert_line(&stripe_catalog(false, &["a"]), Warning, "lacks a;");
}

#[test]
fn webhook_endpoints() {
    const URL: &str = "https://demo.example/webhooks/stripe";
    let endpoint = |url: &str, status: &str, types: &[&str]| WebhookEndpoint {
        url: url.to_owned(),
        status: status.to_owned(),
        enabled_events: types.iter().map(|kind| (*kind).to_owned()).collect(),
    };
    let (first, others) = WEBHOOK_TYPES.split_at(2);
    for (endpoints, level, part) in [
        (
            vec![],
            Error,
            "none for https://demo.example/webhooks/stripe; create it for charge.dispute.closed,",
        ),
        (
            vec![endpoint("https://other.example/", "enabled", &["*"])],
            Error,
            "none for",
        ),
        (vec![endpoint(URL, "disabled", &["*"])], Error, "is disabled"),
        (vec![endpoint(URL, "enabled", &["*"])], Good, "all 14 types"),
        (
            vec![endpoint(URL, "enabled", &WEBHOOK_TYPES)],
            Good,
            "all 14 types",
        ),
        (
            vec![endpoint(URL, "enabled", others), endpoint(URL, "disabled", first)],
            Error,
            "does not get charge.dispute.closed, customer.deleted; add them",
        ),
        (
            vec![endpoint(URL, "enabled", others), endpoint(URL, "enabled", first)],
            Good,
            "all",
        ),
    ] {
        assert_line(&webhook_endpoint(URL, Ok(&endpoints)), level, part);
    }
    assert_line(
        &webhook_endpoint(URL, Err(&rejected(403))),
        Warning,
        "cannot be checked",
    );
}

#[test]
fn amplitude_keys() {
    let response = |status, error: &str| IngestResponse {
        status,
        error: error.to_owned(),
    };
    for (response, level) in [
        (response(400, "Invalid API key: 0123"), Error),
        (response(400, "invalid_api_key"), Error),
        (response(400, "Request missing required field"), Good),
        (response(200, ""), Good),
        (response(429, "Too many requests"), Warning),
        (response(503, ""), Warning),
        (response(404, ""), Error),
    ] {
        let line = amplitude_key(Ok(&response));
        assert_eq!(line.level, level, "{response:?}");
        assert!(!line.text.contains("0123"), "{line}");
    }
    assert_line(&amplitude_key(Err(())), Error, "cannot be reached");
    for (found, level) in [
        (None, Warning),
        (Some(Ok(())), Good),
        (Some(Err(ReadError::RateLimited)), Warning),
        (Some(Err(ReadError::Status(StatusCode::FORBIDDEN))), Error),
        (Some(Err(ReadError::Status(StatusCode::BAD_GATEWAY))), Warning),
    ] {
        assert_eq!(amplitude_secret(found.as_ref()).level, level, "{found:?}");
    }
}

#[test]
fn mail_servers() {
    assert_line(&smtp(&Ok(())), Good, "no mail was sent");
    let refused = SendError::Temporary("the SMTP server answered 535".to_owned());
    assert_line(&smtp(&Err(refused)), Error, "answered 535; check");
}
