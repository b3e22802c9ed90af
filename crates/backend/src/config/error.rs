//! The errors of the configuration.

/// Why the app does not start, in one sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that cannot be read.
    #[error("{name} must be {wanted}.")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// What it should hold.
        wanted: &'static str,
    },
    /// Everybody's events, and the stand-ins' controls, would be open to the network.
    #[error(
        "Without AMPLITUDE_API_KEY and STRIPE_SECRET_KEY Seamline uses stand-ins, which work on loopback addresses only; \
         {name} is not one."
    )]
    LocalModeOffLoopback {
        /// The variable.
        name: &'static str,
    },
    /// Cookies and passwords would cross the network in clear.
    #[error("PUBLIC_URL must use https unless its host is a loopback address.")]
    PlainHttp,
    /// Nobody could prove an address or set a new password.
    #[error("With a real key Seamline sends mails: SMTP_URL must be set.")]
    NoSmtp,
    /// Links that sign in would cross the network in clear, and the server's password too.
    #[error("SMTP_URL must use smtps, or smtp with `?tls=required`, unless its host is a loopback address.")]
    PlainSmtp,
    /// A real key must not go to a program on this machine by mistake, nor the other way round.
    #[error("{name} without a key must be on a loopback address: it names a stand-in.")]
    StandInOffLoopback {
        /// The variable.
        name: &'static str,
    },
    /// A key that opens something must not go to a program on this machine.
    #[error("STRIPE_API_URL names a stand-in, which takes no key of yours: unset it or STRIPE_SECRET_KEY.")]
    KeyForStandIn,
    /// Anybody could say that somebody has paid.
    #[error("STRIPE_WEBHOOK_SECRETS must name the secret that webhooks are signed with (whsec_…).")]
    NoWebhookSecret,
    /// Real revenue would be told to a stand-in, and be lost with it.
    #[error("A live STRIPE_SECRET_KEY needs AMPLITUDE_API_KEY: a stand-in is no place for real revenue.")]
    LiveKeyBesideStandIn,
}

/// The error of a value that cannot be read.
pub(super) fn malformed(name: &'static str, wanted: &'static str) -> ConfigError {
    ConfigError::Malformed { name, wanted }
}
