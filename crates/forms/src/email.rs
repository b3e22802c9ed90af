//! Email addresses.

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::{UnicodeNormalization, is_nfkc};

use crate::errors::FieldError;
use crate::text::{is_invisible, visible};

/// RFC 5321's limit for a path in bytes, less its brackets.
const MAX_BYTES: usize = 254;
/// RFC 5321's limit for the name before the `@`, in bytes.
const NAME_MAX_BYTES: usize = 64;

/// An address that a mail could be sent to. Only the confirmation mail shows whether it arrives.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// As it is shown.
    shown: String,
    /// The name as shown, and the host in ASCII.
    delivery: String,
    /// See [`Self::keys`].
    keys: [String; 3],
}

impl Email {
    /// Parses the address of a new account: one `@`, a name before it, a host with a dot after it, no white space.
    /// Stricter rules refuse real addresses. Invisible characters that change nothing are removed.
    ///
    /// # Errors
    /// Errors of the text policy, [`FieldError::TooLong`] for more than 254 bytes with the host in ASCII, and
    /// [`FieldError::NotAnEmail`].
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let shown = visible(text)?;
        if let Some(code) = shown.chars().find(|&c| is_invisible(c)).map(u32::from) {
            return Err(FieldError::InvisibleCharacter { code });
        }
        if shown.is_empty() {
            return Err(FieldError::Missing);
        }
        let (name, host) = shown.rsplit_once('@').ok_or(FieldError::NotAnEmail)?;
        let (ascii, unicode) = host_forms(host).ok_or(match shown.len() {
            0..=MAX_BYTES => FieldError::NotAnEmail,
            len => FieldError::TooLong { max: MAX_BYTES, len },
        })?;
        let delivery = format!("{name}@{ascii}");
        if delivery.len() > MAX_BYTES {
            return Err(FieldError::TooLong {
                max: MAX_BYTES,
                len: delivery.len(),
            });
        }
        let is_odd = |c: char| {
            c.is_whitespace() || matches!(c, '@' | '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\')
        };
        // Wide and mathematical letters look like others and would make a second account.
        let is_name =
            !name.is_empty() && name.len() <= NAME_MAX_BYTES && is_nfkc(name) && !name.chars().any(is_odd);
        if !is_name || !ascii.contains('.') {
            return Err(FieldError::NotAnEmail);
        }
        let name: String = name.to_lowercase().nfc().collect();
        Ok(Self {
            delivery,
            keys: [
                lower(text),
                format!("{name}@{ascii}"),
                format!("{name}@{unicode}"),
            ],
            shown,
        })
    }

    /// Parses an address that may be an existing account's. Accounts that are older than a rule of [`Self::parse`] keep
    /// their address.
    ///
    /// # Errors
    /// Those of [`Self::parse`], if the text has no name, no host or white space, or is too long.
    pub fn parse_known(text: &str) -> Result<Self, FieldError> {
        Self::parse(text).or_else(|error| {
            let trimmed = text.trim();
            let is_address = trimmed
                .rsplit_once('@')
                .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
            let is_odd = |c: char| c.is_whitespace() || c.is_control();
            if !is_address || trimmed.chars().any(is_odd) || trimmed.chars().count() > MAX_BYTES {
                return Err(error);
            }
            Ok(Self {
                shown: trimmed.to_owned(),
                delivery: trimmed.to_owned(),
                keys: std::array::from_fn(|_| lower(text)),
            })
        })
    }

    /// As it was typed, without what is invisible.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The address for mail servers and Stripe: an international host is in its ASCII form (Punycode).
    pub fn delivery(&self) -> &str {
        &self.delivery
    }

    /// [`Self::delivery`] of an existing account's address; the text itself if it is no address.
    pub fn delivery_of(text: &str) -> String {
        Self::parse_known(text).map_or_else(|_| text.to_owned(), |email| email.delivery)
    }

    /// The key of a new account: two spellings in upper and lower case, or of an international host, are one account.
    pub fn key(&self) -> String {
        self.keys[1].clone()
    }

    /// The keys that an existing account may have, in order of preference: the address as typed, [`Self::key`], and the
    /// host in Unicode. Accounts from before the text policy have the first or the last.
    pub fn keys(&self) -> &[String; 3] {
        &self.keys
    }

    /// The host in lower case and Unicode. It is all that analytics receives of the address.
    pub fn domain(&self) -> String {
        self.keys[2]
            .rsplit_once('@')
            .map(|(_, host)| host.to_owned())
            .unwrap_or_default()
    }
}

/// The key of accounts from before the text policy.
fn lower(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A host in ASCII and in Unicode, both in lower case; `None` if it is no DNS name.
fn host_forms(host: &str) -> Option<(String, String)> {
    let idna = Uts46::new();
    let rules = (AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let ascii = idna
        .to_ascii(host.as_bytes(), rules.0, rules.1, DnsLength::Verify)
        .ok()?
        .into_owned();
    let (unicode, result) = idna.to_unicode(ascii.as_bytes(), rules.0, rules.1);
    result.ok()?;
    let unicode = unicode.into_owned();
    Some((ascii, unicode))
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}
