//! The server has no device in its hand.

/// Does nothing here.
pub async fn copy(_text: String) -> bool {
    false
}

/// Not here.
pub fn can_share() -> bool {
    false
}

/// Does nothing here.
pub async fn share_link(_title: String, _url: String) -> bool {
    false
}

/// Does nothing here.
pub fn save(_name: &str, _text: &str) {}
