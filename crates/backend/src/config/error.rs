//! Errors of the configuration.

/// Why the app does not start, in one sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value cannot be parsed.
    #[error("{name} must be {wanted}.")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// What it should contain.
        wanted: &'static str,
    },
    /// All users' events and the stand-ins' controls would be reachable from the network.
    #[error(
        "Without AMPLITUDE_API_KEY and STRIPE_SECRET_KEY Seamline uses stand-ins, which work on loopback addresses only; \
         {name} is not a loopback address."
    )]
    LocalModeOffLoopback {
        /// The variable.
        name: &'static str,
    },
    /// A release build without keys would make every visitor an operator.
    #[error(
        "AMPLITUDE_API_KEY and STRIPE_SECRET_KEY are not both set. A release build uses stand-ins only if SEAMLINE_LOCAL=1 \
         is set."
    )]
    LocalModeNotChosen,
    /// All visitors would share the address of the proxy, and its limits.
    #[error(
        "With an https PUBLIC_URL, TRUSTED_PROXIES must name the proxy's address or network, like 127.0.0.1 or 10.0.0.0/8; \
         or `none`, if clients connect to this server directly."
    )]
    NoTrustedProxies,
    /// Cookies and passwords would be sent unencrypted.
    #[error("PUBLIC_URL must use https unless its host is a loopback address.")]
    PlainHttp,
    /// Cookies could not be verified after a restart, or on another server.
    #[error("With real keys COOKIE_KEY must be set. It signs cookies; `openssl rand -hex 32` prints a key.")]
    NoCookieKey,
    /// Users could not confirm an address or reset a password.
    #[error("With a real key Seamline sends mails, so SMTP_URL must be set.")]
    NoSmtp,
    /// Sign-in links and the mail server's password would be sent unencrypted.
    #[error("SMTP_URL must use smtps, or smtp with `?tls=required`, unless its host is a loopback address.")]
    PlainSmtp,
    /// Events and the API key would be sent unencrypted.
    #[error("AMPLITUDE_URL must use https with a real key, unless its host is a loopback address.")]
    PlainAmplitude,
    /// All data and the database's password could be sent unencrypted.
    #[error(
        "DATABASE_URL must have `sslmode=require`, `verify-ca` or `verify-full`, unless its host is a loopback address or a \
         Unix socket."
    )]
    PlainPostgres,
    /// A stand-in must run on this machine, so that no real data is sent to another host by mistake.
    #[error("{name} without a key must be on a loopback address: it names a stand-in.")]
    StandInOffLoopback {
        /// The variable.
        name: &'static str,
    },
    /// A real key must not be sent to a stand-in.
    #[error("STRIPE_API_URL names a stand-in, which must not get a real key: unset it or STRIPE_SECRET_KEY.")]
    KeyForStandIn,
    /// Without a secret, forged webhooks could report payments.
    #[error("STRIPE_WEBHOOK_SECRETS must name the secret that webhooks are signed with (whsec_…).")]
    NoWebhookSecret,
    /// Real revenue would be reported to a stand-in only.
    #[error("A live STRIPE_SECRET_KEY needs AMPLITUDE_API_KEY: real revenue must not be sent to a stand-in.")]
    LiveKeyWithStandIn,
}

/// The error of a value that cannot be parsed.
pub(super) fn malformed(name: &'static str, wanted: &'static str) -> ConfigError {
    ConfigError::Malformed { name, wanted }
}
