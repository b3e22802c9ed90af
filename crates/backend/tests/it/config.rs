//! Defaults, and every error of the configuration.

use backend::config::{Config, ConfigError, LocalAccess};
use secrecy::ExposeSecret;
use tracking::ConsentDefault;

const COOKIE_KEY: &str = "0123456789abcdef0123456789abcdef";

fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(|name| {
        vars.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn local_mode_is_the_default() {
    let config = read(&[]).unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(config.http.public_url.as_str(), "http://127.0.0.1:3000/");
    assert!(config.amplitude.is_local);
    assert_eq!(config.amplitude.local.unwrap().to_string(), "127.0.0.1:12112");
    assert_eq!(config.amplitude.ingest_url.as_str(), "http://127.0.0.1:12112/");
    assert_eq!(
        config.amplitude.collector_page().as_deref(),
        Some("http://localhost:12112/")
    );
    assert_eq!(
        config.data.database_url.expose_secret(),
        "sqlite:data/seamline.db"
    );
    assert_eq!(config.privacy.consent_default, ConsentDefault::Granted);
    assert!(config.mail.smtp.is_none());
}

#[test]
fn mails() {
    let config = read(&[("SMTP_URL", "smtp://127.0.0.1:2525")]).unwrap();
    assert_eq!(config.mail.smtp.unwrap().from, "no-reply@localhost");
}

#[test]
fn a_key_selects_amplitude_and_denied_consent() {
    let config = read(&[
        ("AMPLITUDE_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("AMPLITUDE_REGION", "eu"),
        ("SMTP_URL", "smtps://post%40demo.example:secret@mail.example"),
    ])
    .unwrap();
    assert!(!config.amplitude.is_local && !config.is_local_mode());
    assert_eq!(
        config.amplitude.ingest_url.as_str(),
        "https://api.eu.amplitude.com/"
    );
    assert_eq!(config.privacy.consent_default, ConsentDefault::Denied);
    assert_eq!(config.amplitude.public_key.len(), 32);
    assert_ne!(config.amplitude.public_key, "0123456789abcdef0123456789abcdef");
}

#[test]
fn a_stand_in_can_be_another_process() {
    let config = read(&[("AMPLITUDE_URL", "http://127.0.0.1:9999")]).unwrap();
    assert!(config.amplitude.is_local);
    assert_eq!(config.amplitude.local, None);
    assert_eq!(config.amplitude.read_url.as_str(), "http://127.0.0.1:9999/");
}

#[test]
fn without_a_key_stripe_is_a_stand_in() {
    let config = read(&[]).unwrap();
    assert!(config.is_local_mode() && config.stripe.is_local() && !config.stripe.is_live());
    assert_eq!(config.stripe.local.unwrap().to_string(), "127.0.0.1:12111");
    assert_eq!(config.stripe.api_url.unwrap().as_str(), "http://127.0.0.1:12111/");
    assert_eq!(config.stripe.pages, ["http://localhost:12111"]);
    assert_eq!(config.stripe.trial_days, 3);
    let secret = config.stripe.webhook_secrets[0].expose_secret().to_owned();
    assert!(secret.starts_with("whsec_"));
    let other = read(&[]).unwrap().stripe.webhook_secrets;
    assert_ne!(other[0].expose_secret(), secret, "random");

    let own_process = read(&[
        ("STRIPE_API_URL", "http://127.0.0.1:9998"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_local"),
    ])
    .unwrap();
    assert!(own_process.is_local_mode());
    assert_eq!(own_process.stripe.local, None);
    assert_eq!(own_process.stripe.pages, ["http://localhost:9998"]);
}

#[test]
fn a_key_selects_stripe_with_several_webhook_secrets() {
    let config = read(&[
        ("STRIPE_SECRET_KEY", "sk_live_1"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_new, whsec_old"),
        ("AMPLITUDE_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("SMTP_URL", "smtps://mail.example"),
        ("COOKIE_KEY", COOKIE_KEY),
        ("TRIAL_DAYS", "14"),
    ])
    .unwrap();
    assert!(config.stripe.is_live() && !config.stripe.is_local());
    assert_eq!(config.stripe.api_url, None);
    assert_eq!(
        config.stripe.pages,
        ["https://checkout.stripe.com", "https://billing.stripe.com"]
    );
    let secrets: Vec<_> = config
        .stripe
        .webhook_secrets
        .iter()
        .map(|secret| secret.expose_secret())
        .collect();
    assert_eq!(secrets, ["whsec_new", "whsec_old"]);
    assert_eq!(config.stripe.trial_days, 14);
}

#[test]
fn unsafe_configurations_are_rejected() {
    for (vars, sentence) in [
        (vec![("LEPTOS_SITE_ADDR", "0.0.0.0:3000")], "loopback"),
        (vec![("AMPLITUDE_LOCAL_ADDR", "10.0.0.1:12112")], "loopback"),
        (
            vec![
                ("PUBLIC_URL", "https://demo.example"),
                ("TRUSTED_PROXIES", "none"),
            ],
            "loopback",
        ),
        (
            vec![("PUBLIC_URL", "http://demo.example"), ("AMPLITUDE_API_KEY", "k")],
            "https",
        ),
        (vec![("AMPLITUDE_URL", "https://elsewhere.example")], "stand-in"),
        (vec![("LEPTOS_SITE_ADDR", "nowhere")], "LEPTOS_SITE_ADDR"),
        (vec![("AMPLITUDE_API_KEY", "k")], "SMTP_URL must be set"),
        (
            vec![
                ("STRIPE_SECRET_KEY", "sk_test_1"),
                ("STRIPE_WEBHOOK_SECRETS", "whsec_1"),
            ],
            "SMTP_URL must be set",
        ),
        (vec![("SMTP_URL", "mail.example")], "SMTP_URL must be a URL"),
        (vec![("SMTP_URL", "smtp://mail.example")], "smtps"),
        (
            vec![
                ("PUBLIC_URL", "https://demo.example/app"),
                ("AMPLITUDE_API_KEY", "k"),
            ],
            "without a path",
        ),
        (
            vec![("AMPLITUDE_API_KEY", "k"), ("PUBLIC_URL", "https://demo.example")],
            "TRUSTED_PROXIES must name the proxy's address",
        ),
        (
            vec![("TRUSTED_PROXIES", "proxy.example")],
            "TRUSTED_PROXIES must be",
        ),
        (
            vec![("SEAMLINE_LOCAL", "yes")],
            "SEAMLINE_LOCAL must be `1` or `remote`",
        ),
        (vec![("MAX_CONNECTIONS", "0")], "MAX_CONNECTIONS must be"),
        (
            vec![("DATABASE_MAX_CONNECTIONS", "1")],
            "DATABASE_MAX_CONNECTIONS must be",
        ),
        (vec![("DATABASE_READERS", "many")], "DATABASE_READERS must be"),
        (
            vec![
                ("AMPLITUDE_API_KEY", "k"),
                ("AMPLITUDE_URL", "http://amplitude-proxy.example"),
            ],
            "AMPLITUDE_URL must use https",
        ),
        (
            vec![("DATABASE_URL", "postgres://app:x@db.example/app")],
            "DATABASE_URL must have `sslmode=require`",
        ),
        (
            vec![("DATABASE_URL", "postgres://app:x@db.example/app?sslmode=prefer")],
            "DATABASE_URL must have `sslmode=require`",
        ),
        (
            vec![("DATABASE_URL", "postgres://app:x@db.example/app?sslmode=maybe")],
            "DATABASE_URL must be",
        ),
        (vec![("DATABASE_URL", "mysql://x")], "DATABASE_URL"),
        (vec![("STRIPE_LOCAL_ADDR", "10.0.0.1:12111")], "loopback"),
        (
            vec![
                ("STRIPE_API_URL", "https://elsewhere.example"),
                ("STRIPE_WEBHOOK_SECRETS", "whsec_1"),
            ],
            "STRIPE_API_URL without a key must be on a loopback address",
        ),
        (
            vec![("STRIPE_API_URL", "http://127.0.0.1:9998")],
            "STRIPE_WEBHOOK_SECRETS",
        ),
        (vec![("STRIPE_SECRET_KEY", "sk_test_1")], "STRIPE_WEBHOOK_SECRETS"),
        (
            vec![
                ("STRIPE_SECRET_KEY", "sk_test_1"),
                ("STRIPE_API_URL", "http://127.0.0.1:9998"),
            ],
            "must not get a real key",
        ),
        (
            vec![
                ("STRIPE_SECRET_KEY", "sk_live_1"),
                ("STRIPE_WEBHOOK_SECRETS", "whsec_1"),
            ],
            "real revenue",
        ),
        (vec![("STRIPE_SECRET_KEY", "pk_test_1")], "STRIPE_SECRET_KEY"),
        (vec![("TRIAL_DAYS", "0")], "TRIAL_DAYS"),
        (
            vec![
                ("AMPLITUDE_API_KEY", "k"),
                ("PUBLIC_URL", "https://demo.example"),
                ("TRUSTED_PROXIES", "none"),
            ],
            "stand-ins",
        ),
        (
            vec![
                ("AMPLITUDE_API_KEY", "k"),
                ("STRIPE_SECRET_KEY", "sk_test_1"),
                ("STRIPE_WEBHOOK_SECRETS", "whsec_1"),
                ("SMTP_URL", "smtps://mail.example"),
            ],
            "COOKIE_KEY must be set",
        ),
        (vec![("COOKIE_KEY", "short")], "at least 32 characters"),
        (vec![("LIMIT_FACTOR", "0")], "LIMIT_FACTOR"),
        (vec![("OUTBOX_KEEP_DAYS", "a month")], "OUTBOX_KEEP_DAYS"),
        (vec![("CONSENT_DEFAULT", "maybe")], "CONSENT_DEFAULT"),
        (vec![("TRACK_EMAIL", "yes please")], "TRACK_EMAIL"),
        (
            vec![("AMPLITUDE_REGION", "mars"), ("AMPLITUDE_API_KEY", "k")],
            "AMPLITUDE_REGION",
        ),
    ] {
        let error = read(&vars).unwrap_err().to_string();
        assert!(error.contains(sentence), "{vars:?}: {error}");
    }
}

#[test]
fn encrypted_and_local_transport_is_accepted() {
    for vars in [
        vec![("AMPLITUDE_URL", "https://amplitude-proxy.example")],
        vec![("AMPLITUDE_URL", "http://127.0.0.1:9999")],
        vec![(
            "DATABASE_URL",
            "postgres://app:x@db.example/app?sslmode=verify-full",
        )],
        vec![("DATABASE_URL", "postgres://app:x@127.0.0.1/app")],
    ] {
        let keys = [
            ("AMPLITUDE_API_KEY", "k"),
            ("STRIPE_SECRET_KEY", "sk_test_1"),
            ("STRIPE_WEBHOOK_SECRETS", "whsec_1"),
            ("SMTP_URL", "smtps://mail.example"),
            ("COOKIE_KEY", COOKIE_KEY),
        ];
        let config = read(&[&keys[..], &vars[..]].concat());
        assert!(config.is_ok(), "{vars:?}: {config:?}");
        assert_eq!(config.unwrap().protection.limit_factor, 1);
    }
}

#[test]
fn limits_and_local_access() {
    let config = read(&[]).unwrap();
    assert_eq!(
        config.protection.limit_factor, 100,
        "all clients share an address"
    );
    let sizes = config.data.pool_sizes;
    assert_eq!((sizes.postgres, sizes.sqlite_readers), (16, 8));
    let config = config.http;
    assert_eq!(config.local_access, Some(LocalAccess::ThisMachine));
    assert_eq!((config.limits.connections, config.limits.feeds()), (4_096, 2_048));
    let config = read(&[("MAX_CONNECTIONS", "3"), ("SEAMLINE_LOCAL", "remote")])
        .unwrap()
        .http;
    assert_eq!(config.local_access, Some(LocalAccess::Remote));
    assert_eq!((config.limits.connections, config.limits.feeds()), (3, 2));
    let sizes = read(&[("DATABASE_MAX_CONNECTIONS", "40"), ("DATABASE_READERS", "2")])
        .unwrap()
        .data
        .pool_sizes;
    assert_eq!((sizes.postgres, sizes.sqlite_readers), (40, 2));
}

#[test]
fn secrets_are_not_printed() {
    let config = read(&[
        ("AMPLITUDE_API_KEY", "secret-api-key"),
        ("AMPLITUDE_SECRET_KEY", "secret-read-key"),
        (
            "DATABASE_URL",
            "postgres://app:secret-password@db/app?sslmode=require",
        ),
        ("PUBLIC_URL", "https://demo.example"),
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
        ("STRIPE_SECRET_KEY", "sk_test_secret-stripe"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_secret-webhook"),
        ("SMTP_URL", "smtps://app:secret-smtp@mail.example"),
        ("COOKIE_KEY", "secret-cookie-key-of-32-characters-or-more"),
    ])
    .unwrap();
    assert!(!format!("{config:?}").contains("secret-"), "{config:?}");
}
