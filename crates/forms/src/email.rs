//! Email addresses.

use std::fmt;

use crate::errors::FieldError;
use crate::text::line;

/// RFC 5321's limit for a path, less its brackets.
const MAX: usize = 254;

/// An address that mail could be sent to. Whether it arrives is for the verification mail to tell.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    typed: String,
}

impl Email {
    /// One `@`, a name before it, a dotted host after it, no white space. Stricter rules refuse real addresses.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let typed = line(text, MAX)?;
        let (name, host) = typed.rsplit_once('@').ok_or(FieldError::NotAnEmail)?;
        // Letters like the Kelvin sign, whose lower case is another letter's: two addresses would have one key.
        let is_lookalike =
            |c: char| !c.is_ascii() && (c == 'Å' || c.to_lowercase().any(|lower| lower.is_ascii()));
        let odd = |c: char| {
            is_lookalike(c)
                || c.is_whitespace()
                || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\')
        };
        let labels_fit = host.contains('.')
            && host.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            });
        let fits = !name.is_empty() && name.len() <= 64 && !name.contains('@') && !typed.chars().any(odd);
        if fits && labels_fit {
            Ok(Self { typed })
        } else {
            Err(FieldError::NotAnEmail)
        }
    }

    /// As it was typed, trimmed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// By which the account is found: two spellings in upper and lower case are one person's.
    pub fn key(&self) -> String {
        self.typed.to_lowercase()
    }

    /// The host, in lower case: all that analytics learns of the address.
    pub fn domain(&self) -> String {
        self.typed
            .rsplit_once('@')
            .map(|(_, host)| host.to_lowercase())
            .unwrap_or_default()
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in [
            "ada@example.com",
            " ada+poll@mail.example.co.uk ",
            "bjørn@blåbær.example",
            "o'neil@x-y.example",
        ] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "a b@example.com",
            "a@b@example.com",
            "ada@-x.example",
            "ada@x..example",
            "<ada@example.com>",
            "ada@example.com\u{202e}",
            "ada@exam ple.com",
        ] {
            assert_eq!(Email::parse(bad), Err(FieldError::NotAnEmail), "{bad}");
        }
        assert_eq!(Email::parse("  "), Err(FieldError::Missing));
        assert_eq!(
            Email::parse("a\u{0}b@example.com"),
            Err(FieldError::ControlCharacter)
        );
        let long = format!("{}@example.com", "a".repeat(300));
        assert_eq!(
            Email::parse(&long),
            Err(FieldError::TooLong { max: 254, len: 312 })
        );
    }

    #[test]
    fn the_key_and_the_domain_ignore_case() {
        let email = Email::parse("Ada@Example.COM").unwrap();
        assert_eq!(
            (email.key().as_str(), email.domain().as_str()),
            ("ada@example.com", "example.com")
        );
        assert_eq!(email.as_str(), "Ada@Example.COM");
    }

    #[test]
    fn no_log_shows_it() {
        assert_eq!(
            format!("{:?}", Email::parse("ada@example.com").unwrap()),
            "Email(…)"
        );
    }
}
