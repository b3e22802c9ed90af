//! Generates IDs.

use sha2::{Digest, Sha256};
use tracking::{DeviceId, UserId};
use uuid::Uuid;

/// A user ID. UUIDv7, so that rows of the same time are stored together.
pub fn user() -> UserId {
    UserId::new(Uuid::now_v7())
}

/// The ID of a row, for example of a login or a vote.
pub fn row() -> Uuid {
    Uuid::now_v7()
}

/// A device ID. Fully random, so that it reveals no time.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that generates device IDs"
)]
pub fn device() -> DeviceId {
    DeviceId::from_uuid(Uuid::new_v4())
}

/// The ID in a public link. Fully random, because knowing it grants access.
#[expect(clippy::disallowed_methods, reason = "the only place that generates them")]
pub fn link() -> Uuid {
    Uuid::new_v4()
}

/// A random ID, for a rendered form or a confirmed event.
#[expect(clippy::disallowed_methods, reason = "the only place that generates them")]
pub fn random() -> Uuid {
    Uuid::new_v4()
}

/// The secret of a link in a mail, in hex: 244 random bits.
#[expect(clippy::disallowed_methods, reason = "the only place that generates them")]
pub fn secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// The ID of a row that exists once for each fact: the same for the same text.
pub fn of_fact(fact: &str) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(fact).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
