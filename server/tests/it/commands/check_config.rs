//! `seamline check-config`: a good configuration, and one wrong setting at a time.

use std::fs;

use amplitude_local::CollectorSettings;
use db::Engine;
use db::testing::TestDb;
use serde_json::json;
use std::net::SocketAddr;
use stripe_local::{StripeStandInSettings, WebhookTarget};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{STRIPE_SECRET, listener, printed, seamline, start_amplitude, start_stripe};

const API_KEY: &str = "0123456789abcdef0123456789abcdef";
const SECRET_KEY: &str = "fedcba9876543210fedcba9876543210";
const PASSWORD: &str = "m4il-p4ssword";

/// A mail server that knows the user `post`. It takes no mail. Returns its address.
async fn start_smtp() -> SocketAddr {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_smtp(stream));
        }
    });
    address
}

async fn serve_smtp(stream: TcpStream) -> std::io::Result<()> {
    use base64::Engine as _;
    let login = base64::engine::general_purpose::STANDARD.encode(format!("\0post\0{PASSWORD}"));
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let reply = match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["EHLO", ..] => "250-test\r\n250 AUTH PLAIN",
            ["AUTH", "PLAIN", given] if given == login => "235 ok",
            ["AUTH", ..] => "535 unknown user or password",
            ["NOOP"] => "250 ok",
            ["QUIT"] => "221 bye",
            _ => "502 unknown command",
        };
        write.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// Files as the build makes them.
fn site() -> TempDir {
    let site = tempfile::tempdir().unwrap();
    for file in [
        "favicon.svg",
        "pkg/seamline.css",
        "pkg/seamline.js",
        "pkg/seamline.wasm",
        "seam.js",
        app::tracking::boot::SDK_FILE,
    ] {
        let path = site.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    site
}

#[tokio::test]
async fn check_config_names_each_wrong_setting() {
    const URL: &str = "http://127.0.0.1:3000";
    let webhooks = vec![WebhookTarget {
        url: format!("{URL}/webhooks/stripe"),
        secret: STRIPE_SECRET.to_owned(),
    }];
    let stripe = start_stripe(StripeStandInSettings {
        webhooks,
        ..StripeStandInSettings::default()
    })
    .await;
    let other_stripe = start_stripe(StripeStandInSettings {
        secret_key: Some("sk_test_of_another_account".to_owned()),
        ..StripeStandInSettings::default()
    })
    .await;
    let keys = CollectorSettings {
        api_key: Some(API_KEY.to_owned()),
        secret_key: Some(SECRET_KEY.to_owned()),
        ..CollectorSettings::default()
    };
    let (amplitude, smtp) = (start_amplitude(keys).await, start_smtp().await);
    let mail = format!("smtp://post:{PASSWORD}@{smtp}");
    let client = http_browser::client().unwrap();
    let (site, database) = (site(), TestDb::new(Engine::Sqlite).await);
    let good = [
        ("PUBLIC_URL", URL),
        ("LEPTOS_SITE_ROOT", site.path().to_str().unwrap()),
        ("METRICS_ADDR", "9464"),
        ("DATABASE_URL", &database.url),
        ("STRIPE_API_URL", &stripe),
        ("STRIPE_WEBHOOK_SECRETS", STRIPE_SECRET),
        ("AMPLITUDE_URL", &amplitude),
        ("AMPLITUDE_API_KEY", API_KEY),
        ("AMPLITUDE_SECRET_KEY", SECRET_KEY),
        ("SMTP_URL", &mail),
    ];
    let report = printed(&["check-config"], &good).await;
    assert!(report.contains("warning  Stripe's catalog: lacks"), "{report}");
    printed(&["setup-stripe"], &good).await;
    let report = printed(&["check-config"], &good).await;
    for line in [
        "warning  PUBLIC_URL: http://127.0.0.1:3000 is for browsers on this machine",
        "ok       TRUSTED_PROXIES: none",
        "ok       LEPTOS_SITE_ADDR: 127.0.0.1:3000",
        "ok       LEPTOS_SITE_ROOT: ",
        "ok       METRICS_ADDR: 127.0.0.1:9464",
        "ok       DATABASE_URL: SQLite; the schema is of this version",
        "ok       STRIPE_SECRET_KEY: accepted; test mode",
        "ok       Stripe's catalog: ",
        "ok       Stripe's webhook endpoint: http://127.0.0.1:3000/webhooks/stripe gets all 14 types",
        "ok       AMPLITUDE_API_KEY: accepted",
        "ok       AMPLITUDE_SECRET_KEY: accepted",
        "ok       SMTP_URL: connection and login work",
    ] {
        assert!(report.contains(line), "{line} in {report}");
    }
    assert_eq!(report.lines().count(), 12, "{report}");
    let events = client.get(format!("{amplitude}/local/events"));
    let accepted = events.send().await.unwrap();
    let accepted: serde_json::Value = accepted.json().await.unwrap();
    assert_eq!(accepted["events"], json!([]), "no event was sent");

    let few_types = [
        ("url", "http://127.0.0.1:3001/webhooks/stripe"),
        ("enabled_events[0]", "invoice.paid"),
    ];
    let endpoint = client.post(format!("{stripe}/v1/webhook_endpoints"));
    let created = endpoint
        .bearer_auth("sk_test_seamline_local")
        .form(&few_types)
        .send()
        .await
        .unwrap();
    assert!(created.status().is_success());
    let no_database = site.path().join("seam.db");
    fs::write(
        &no_database,
        "no database, but longer than a header of a hundred bytes ".repeat(4),
    )
    .unwrap();
    let no_database = format!("sqlite:{}", no_database.display());
    let wrong_password = format!("smtp://post:wrong-{PASSWORD}@{smtp}");
    for (name, value, expected) in [
        (
            "PUBLIC_URL",
            "http://demo.example",
            "settings: PUBLIC_URL must use https",
        ),
        (
            "PUBLIC_URL",
            "http://127.0.0.1:3001",
            "endpoint: http://127.0.0.1:3001/webhooks/stripe does not get charge.dispute.closed, customer.deleted,",
        ),
        (
            "PUBLIC_URL",
            "http://127.0.0.1:3002",
            "endpoint: none for http://127.0.0.1:3002/webhooks/stripe",
        ),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "TRUSTED_PROXIES: trusts all"),
        (
            "METRICS_ADDR",
            "203.0.113.1:9464",
            "METRICS_ADDR: 203.0.113.1 is not an address of this machine",
        ),
        (
            "LEPTOS_SITE_ROOT",
            "/no/such/folder",
            "LEPTOS_SITE_ROOT: /no/such/folder lacks favicon.svg,",
        ),
        ("DATABASE_URL", &no_database, "DATABASE_URL: cannot be opened"),
        (
            "DATABASE_URL",
            "postgres://app:secret-word@127.0.0.1:9/app",
            "DATABASE_URL: cannot be opened",
        ),
        (
            "STRIPE_API_URL",
            "http://127.0.0.1:9",
            "STRIPE_SECRET_KEY: Stripe cannot be reached",
        ),
        (
            "STRIPE_API_URL",
            &other_stripe,
            "STRIPE_SECRET_KEY: Stripe does not accept the key (401)",
        ),
        (
            "AMPLITUDE_URL",
            "http://127.0.0.1:9",
            "AMPLITUDE_API_KEY: Amplitude cannot be reached",
        ),
        (
            "AMPLITUDE_API_KEY",
            "00000000000000000000000000000000",
            "AMPLITUDE_API_KEY: Amplitude does not know the key",
        ),
        (
            "AMPLITUDE_SECRET_KEY",
            "11111111111111111111111111111111",
            "AMPLITUDE_SECRET_KEY: Amplitude does not accept",
        ),
        (
            "SMTP_URL",
            "smtp://127.0.0.1:9",
            "SMTP_URL: the SMTP server was not reached",
        ),
        (
            "SMTP_URL",
            &wrong_password,
            "SMTP_URL: the SMTP server answered 535",
        ),
    ] {
        let mut settings = good.to_vec();
        settings.retain(|(known, _)| *known != name);
        settings.push((name, value));
        let output = seamline(&["check-config"], &settings).await;
        let report = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}={value}: {report}");
        assert!(
            report
                .lines()
                .any(|line| line.starts_with("error ") && line.contains(expected)),
            "{name}={value}: {report}"
        );
        let log = String::from_utf8(output.stderr).unwrap();
        for secret in [
            PASSWORD,
            API_KEY,
            SECRET_KEY,
            STRIPE_SECRET,
            "secret-word",
            "1111",
            "0000",
            "sk_test",
        ] {
            assert!(
                !report.contains(secret) && !log.contains(secret),
                "{secret}: {report}{log}"
            );
        }
    }
}
