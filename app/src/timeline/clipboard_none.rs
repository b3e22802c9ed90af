//! The server has no clipboard.

/// Does nothing here.
pub fn copy(_text: &str) {}

/// Nobody asks here.
pub fn origin() -> String {
    String::new()
}
