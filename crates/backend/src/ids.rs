//! Generates IDs.

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
    DeviceId::minted(Uuid::new_v4())
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
