//! What the mailbox shows.

use uuid::Uuid;

/// A mail, as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailView {
    /// The mail's ID.
    pub id: Uuid,
    /// The address that it is for.
    pub recipient: String,
    /// Subject line.
    pub subject: String,
    /// How long ago it was written.
    pub when: String,
    /// Paragraphs.
    pub before: Vec<String>,
    /// Label and URL of its button, if it has one.
    pub action: Option<(String, String)>,
    /// Paragraphs after the button.
    pub after: Vec<String>,
}
