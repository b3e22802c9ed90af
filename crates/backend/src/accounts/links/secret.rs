//! The secret of a link, and its hash.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{hex, ids};

/// The secret of a link. Its `Debug` output hides the value.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret(String);

impl LinkSecret {
    /// Creates a random secret.
    pub(super) fn random() -> Self {
        Self(ids::secret())
    }

    /// Parses a secret of 64 lowercase hex digits; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let is_valid = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_valid.then(|| Self(text.to_owned()))
    }

    /// The value, for the mail and for the cookie that carries it from the link to its page.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn hash(&self) -> String {
        hex::encode(&Sha256::digest(&self.0))
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_lowercase_hex_digits_are_a_secret() {
        let secret = ids::secret();
        assert_eq!(LinkSecret::parse(&secret).unwrap().expose(), secret);
        assert_eq!(format!("{:?}", LinkSecret::parse(&secret)), "Some(LinkSecret(…))");
        for text in [
            "",
            "00ff",
            &secret.to_uppercase(),
            &secret[1..],
            &format!("{secret}0"),
            &"é".repeat(32),
        ] {
            assert!(LinkSecret::parse(text).is_none(), "{text}");
        }
    }
}
