//! Whether the network between the app and the database can read the data.

use std::net::IpAddr;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Whether no other host can read the traffic to this database: SQLite, Postgres with TLS, or Postgres on this machine.
/// It reads a Postgres URL as the connection does, with the `PG…` variables of the environment.
///
/// # Errors
/// When a Postgres URL cannot be parsed.
pub fn is_private(url: &str) -> Result<bool, sqlx::Error> {
    if url.starts_with("sqlite:") {
        return Ok(true);
    }
    let options = PgConnectOptions::from_str(url)?;
    let has_tls = matches!(
        options.get_ssl_mode(),
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull
    );
    Ok(has_tls || options.get_socket().is_some() || is_this_machine(options.get_host()))
}

/// Whether a host of a Postgres URL is a loopback address or the folder of a Unix socket.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.starts_with('/')
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transport_of_urls() {
        for (url, expected) in [
            ("sqlite:data/seamline.db", true),
            ("postgres://app:x@127.0.0.1/app", true),
            ("postgres://app:x@127.0.0.1/app?sslmode=disable", true),
            ("postgresql://app:x@[::1]:5432/app", true),
            ("postgres://app:x@localhost/app", true),
            ("postgres://app@%2Fvar%2Frun%2Fpostgresql/app", true),
            ("postgres://app@db.example/app?host=/var/run/postgresql", true),
            ("postgres://app:x@db.example/app", false),
            ("postgres://app:x@10.0.0.5:5432/app", false),
            ("postgres://app:x@127.0.0.1/app?host=db.example", false),
            ("postgres://app:x@localhost.example/app", false),
            ("postgres://app:x@db.example/app?sslmode=disable", false),
            ("postgres://app:x@db.example/app?sslmode=allow", false),
            ("postgres://app:x@db.example/app?sslmode=prefer", false),
            ("postgres://app:x@db.example/app?sslmode=require", true),
            ("postgres://app:x@db.example/app?sslmode=verify-ca", true),
            ("postgres://app:x@db.example/app?ssl-mode=verify-full", true),
        ] {
            assert_eq!(is_private(url).unwrap(), expected, "{url}");
        }
        assert!(is_private("postgres://app@db.example/app?sslmode=maybe").is_err());
    }
}
