//! The server renders what is there; nothing arrives while it does.

/// Does nothing here.
pub fn follow(_on_revision: impl Fn(i64) + Clone + 'static) {}
