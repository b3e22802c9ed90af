//! Signatures of cookies, and the recognition of device IDs that this site generated.
//!
//! A signature proves that this site wrote the value into a cookie for this purpose. It does not identify the user.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tracking::DeviceId;
use uuid::Uuid;

/// Bytes of a signature: 128 bits.
const SIGNATURE_LEN: usize = 16;
/// Random bytes of a generated device ID. The others are a signature, by which the site recognises the ID.
const RANDOM_LEN: usize = 10;

/// The key that signs cookies. All servers of a site have the same.
#[derive(Clone)]
pub struct CookieKey(Hmac<Sha256>);

impl CookieKey {
    /// Wraps a secret of any length.
    pub fn new(secret: &str) -> Self {
        Self(Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length"))
    }

    /// `value.signature`, for a purpose.
    pub fn sign(&self, purpose: &str, value: &str) -> String {
        let signature = self.mac(purpose, value.as_bytes()).finalize().into_bytes();
        format!("{value}.{}", URL_SAFE_NO_PAD.encode(&signature[..SIGNATURE_LEN]))
    }

    /// The value of a signed text; `None` if the signature is of another value, purpose or key.
    pub fn verify<'a>(&self, purpose: &str, text: &'a str) -> Option<&'a str> {
        let (value, signature) = text.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if signature.len() != SIGNATURE_LEN {
            return None;
        }
        let mac = self.mac(purpose, value.as_bytes());
        mac.verify_truncated_left(&signature).ok().map(|()| value)
    }

    /// A new device ID from a random UUID. [`Self::has_generated`] recognises it.
    pub fn generate_device(&self, random: Uuid) -> DeviceId {
        DeviceId::from_uuid(self.marked(random))
    }

    /// Whether this site generated the device ID. Such an ID belongs to the browser whose cookie has it with a signature; no
    /// other browser may take it over.
    pub fn has_generated(&self, device: &DeviceId) -> bool {
        Uuid::parse_str(device.as_str()).is_ok_and(|id| self.marked(id) == id)
    }

    fn marked(&self, id: Uuid) -> Uuid {
        let mut bytes = id.into_bytes();
        let mark = self
            .mac("device ID", &bytes[..RANDOM_LEN])
            .finalize()
            .into_bytes();
        bytes[RANDOM_LEN..].copy_from_slice(&mark[..16 - RANDOM_LEN]);
        Uuid::from_bytes(bytes)
    }

    fn mac(&self, purpose: &str, value: &[u8]) -> Hmac<Sha256> {
        self.0
            .clone()
            .chain_update(purpose)
            .chain_update([0])
            .chain_update(value)
    }
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signed_value_is_accepted_and_only_for_its_purpose() {
        let key = CookieKey::new("a key for tests, 32 bytes or more");
        let signed = key.sign("device", "an.sdk.device");
        assert_eq!(key.verify("device", &signed), Some("an.sdk.device"));
        let (value, signature) = signed.rsplit_once('.').unwrap();
        for text in [
            "",
            ".",
            value,
            signature,
            &format!("{value}x.{signature}"),
            &format!("{value}.{}", &signature[..21]),
            &format!("{value}."),
            &format!("{signed}."),
            &CookieKey::new("another key").sign("device", value),
        ] {
            assert_eq!(key.verify("device", text), None, "{text}");
        }
        assert_eq!(key.verify("previous", &signed), None);
    }

    #[test]
    fn generated_device_ids_are_valid_and_recognised() {
        let key = CookieKey::new("a key for tests, 32 bytes or more");
        let device = key.generate_device(Uuid::max());
        assert_eq!(DeviceId::parse(device.as_str()), Some(device.clone()));
        assert!(key.has_generated(&device));
        assert!(!CookieKey::new("another key").has_generated(&device));
        for other in ["5ad2a0a4-3a2e-4f0f-9c0a-1d9f8a6f2f11", "an.sdk.device"] {
            assert!(!key.has_generated(&DeviceId::parse(other).unwrap()), "{other}");
        }
    }
}
