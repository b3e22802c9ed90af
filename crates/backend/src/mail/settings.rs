//! Configuration of mails, and the operators' addresses.

use forms::{Email};
use secrecy::SecretString;
use url::{Host, Url};

use crate::config::{ConfigError, malformed, on_loopback};

/// Where mails go.
#[derive(Debug)]
pub struct Mail {
    /// `SMTP_URL`; `None`: they stay in the mailbox of local mode.
    pub smtp: Option<SmtpServer>,
    /// `ADMIN_EMAILS`.
    pub admins: Admins,
}

/// An SMTP server.
#[derive(Debug)]
pub struct SmtpServer {
    /// Scheme, host, user and password.
    pub url: SecretString,
    /// The sender's address: the server's user where that is an address, else `no-reply` at the site's host.
    pub from: String,
}

/// Addresses of those who operate the site.
#[derive(Clone, Default)]
pub struct Admins(Vec<String>);

impl Admins {
    /// Whether the address is one of theirs. That somebody reads it is for the account to prove.
    pub fn includes(&self, email: &str) -> bool {
        let email = email.to_lowercase();
        self.0.contains(&email)
    }
}

impl std::fmt::Debug for Admins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Admins({})", self.0.len())
    }
}

pub(crate) fn read(
    get: &impl Fn(&str) -> Option<String>,
    is_local: bool,
    public_url: &Url,
) -> Result<Mail, ConfigError> {
    let smtp = match get("SMTP_URL") {
        Some(text) => Some(smtp(&text, public_url)?),
        None if is_local => None,
        None => return Err(ConfigError::NoSmtp),
    };
    let admins = get("ADMIN_EMAILS").unwrap_or_default();
    let keys = admins
        .split(',')
        .map(str::trim)
        .filter(|address| !address.is_empty())
        .map(|address| Email::parse(address).map(|email| email.key()));
    let keys = keys
        .collect::<Result<_, _>>()
        .map_err(|_| malformed("ADMIN_EMAILS", "e-mail addresses with commas between"))?;
    Ok(Mail {
        smtp,
        admins: Admins(keys),
    })
}

fn smtp(text: &str, public_url: &Url) -> Result<SmtpServer, ConfigError> {
    let wanted = "a URL like smtps://user:password@mail.example";
    let bad = || malformed("SMTP_URL", wanted);
    let url = Url::parse(text).map_err(|_| bad())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(bad)?;
    let tls = url
        .query_pairs()
        .find(|(key, _)| key == "tls")
        .map(|(_, value)| value.into_owned());
    match (url.scheme(), tls.as_deref()) {
        ("smtps", _) | ("smtp", Some("required")) => {}
        // In URLs of other schemes than http an address is a name like any other.
        ("smtp", None)
            if on_loopback(&url) || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()) => {}
        ("smtp", _) => return Err(ConfigError::PlainSmtp),
        _ => return Err(bad()),
    }
    let user = url::form_urlencoded::parse(format!("user={}", url.username().replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, user)| user.into_owned())
        .unwrap_or_default();
    let from = match Email::parse(&user) {
        Ok(email) => email.as_str().to_owned(),
        Err(_) => format!("no-reply@{}", sending_host(public_url)),
    };
    Ok(SmtpServer {
        url: text.to_owned().into(),
        from,
    })
}

/// An address in numbers is no domain that mail could come from.
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
    fn who_mails_are_from() {
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
    fn servers_that_cannot_be_used() {
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
