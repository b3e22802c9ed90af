//! Where IDs are minted.

use tracking::{DeviceId, UserId};
use uuid::Uuid;

/// A new account's ID: UUIDv7, so that rows of one time lie together.
pub fn user() -> UserId {
    UserId::new(Uuid::now_v7())
}

/// A row of ours: a login, a vote.
pub fn row() -> Uuid {
    Uuid::now_v7()
}

/// A new browser's ID. Random through and through: it says nothing of when or where.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that mints device IDs"
)]
pub fn device() -> DeviceId {
    DeviceId::minted(Uuid::new_v4())
}

/// What a link leads to, so that whoever has the link may use it. Random through and through: nobody guesses one.
#[expect(clippy::disallowed_methods, reason = "this is the one place that mints them")]
pub fn link() -> Uuid {
    Uuid::new_v4()
}

/// Names one rendering of a form, or one confirmed event.
#[expect(clippy::disallowed_methods, reason = "this is the one place that mints them")]
pub fn random() -> Uuid {
    Uuid::new_v4()
}

/// The secret of a link in a mail, in hex: 244 random bits.
#[expect(clippy::disallowed_methods, reason = "this is the one place that mints them")]
pub fn secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
