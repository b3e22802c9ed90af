//! Configuration of mails.

use forms::Email;
use secrecy::SecretString;
use url::{Host, Url};

use super::error::{ConfigError, malformed};
use super::network::on_loopback;

/// Configuration of mails.
#[derive(Debug)]
pub struct MailConfig {
    /// `SMTP_URL`; `None` in local mode, where mails stay in the mailbox.
    pub smtp: Option<SmtpServer>,
}

/// An SMTP server and the sender's address.
#[derive(Debug)]
pub struct SmtpServer {
    /// The URL with scheme, host, user and password.
    pub url: SecretString,
    /// The sender's address: the URL's user if it is an email address, otherwise `no-reply` at the site's host.
    pub from: String,
}

pub(super) fn read(
    get: &impl Fn(&str) -> Option<String>,
    is_local: bool,
    public_url: &Url,
) -> Result<MailConfig, ConfigError> {
    let smtp = match get("SMTP_URL") {
        Some(text) => Some(smtp(&text, public_url)?),
        None if is_local => None,
        None => return Err(ConfigError::NoSmtp),
    };
    Ok(MailConfig { smtp })
}

fn smtp(text: &str, public_url: &Url) -> Result<SmtpServer, ConfigError> {
    let wanted = "a URL like smtps://user:password@mail.example";
    let invalid = || malformed("SMTP_URL", wanted);
    let url = Url::parse(text).map_err(|_| invalid())?;
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or_else(invalid)?;
    let tls = url
        .query_pairs()
        .find(|(key, _)| key == "tls")
        .map(|(_, value)| value.into_owned());
    match (url.scheme(), tls.as_deref()) {
        ("smtps", _) | ("smtp", Some("required")) => {}
        // The URL parser treats IP addresses as names in URLs of schemes other than http.
        ("smtp", None)
            if on_loopback(&url) || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()) => {}
        ("smtp", _) => return Err(ConfigError::PlainSmtp),
        _ => return Err(invalid()),
    }
    let user = url::form_urlencoded::parse(format!("user={}", url.username().replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, user)| user.into_owned())
        .unwrap_or_default();
    let from = match Email::parse(&user) {
        Ok(email) => email.delivery().to_owned(),
        Err(_) => format!("no-reply@{}", sending_host(public_url)),
    };
    Ok(SmtpServer {
        url: text.to_owned().into(),
        from,
    })
}

/// The domain of the sender's address. An IP address is not a valid mail domain.
fn sending_host(public_url: &Url) -> &str {
    match public_url.host() {
        Some(Host::Domain(name)) => name,
        _ => "localhost",
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read_smtp(text: &str) -> Result<SmtpServer, ConfigError> {
        smtp(text, &Url::parse("https://demo.example").unwrap())
    }

    #[test]
    fn sender_address_for_each_url() {
        for (text, from) in [
            ("smtps://mail.example", "no-reply@demo.example"),
            ("smtps://AKIA123:secret@mail.example:465", "no-reply@demo.example"),
            (
                "smtps://post%40demo.example:secret@mail.example",
                "post@demo.example",
            ),
            (
                "smtp://a%2Bb%40demo.example:x@mail.example:587?tls=required",
                "a+b@demo.example",
            ),
            ("smtp://127.0.0.1:2525", "no-reply@demo.example"),
            ("smtp://localhost", "no-reply@demo.example"),
            ("smtp://[::1]:25", "no-reply@demo.example"),
        ] {
            let server = read_smtp(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((server.from.as_str(), server.url.expose_secret()), (from, text));
        }
        let local = smtp("smtp://localhost", &Url::parse("http://127.0.0.1:3000").unwrap()).unwrap();
        assert_eq!(local.from, "no-reply@localhost");
    }

    #[test]
    fn invalid_and_unencrypted_servers_are_rejected() {
        for text in [
            "mail.example",
            "smtps://",
            "https://mail.example",
            "smtps:mail.example",
        ] {
            let error = read_smtp(text).err();
            assert!(
                matches!(error, Some(ConfigError::Malformed { name: "SMTP_URL", .. })),
                "{text}: {error:?}"
            );
        }
        for text in [
            "smtp://mail.example",
            "smtp://mail.example?tls=opportunistic",
            "smtp://10.0.0.1:25",
        ] {
            assert_eq!(read_smtp(text).err(), Some(ConfigError::PlainSmtp), "{text}");
        }
    }
}
