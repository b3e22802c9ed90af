//! The transport that sends a mail: SMTP, or the mailbox of local mode.

use async_trait::async_trait;
use uuid::Uuid;

use super::MailContent;

/// A mail to send. It has no `Debug`, because its text contains a secret.
#[derive(Clone)]
pub struct OutgoingMail {
    /// The ID of the mail's row. It is the same in every attempt, so that the receiver can detect a duplicate.
    pub id: Uuid,
    /// The recipient's address.
    pub recipient: String,
    /// Subject and text.
    pub content: MailContent,
}

/// Why a mail was not sent. The message is logged, so it contains no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// A later attempt may succeed.
    #[error("{0}")]
    Temporary(String),
    /// Every attempt will fail, for example because the address does not exist.
    #[error("{0}")]
    Permanent(String),
}

/// Sends mails.
#[async_trait]
pub trait MailTransport: Send + Sync {
    /// Sends one mail. `Ok`: the next mail server accepted it.
    ///
    /// # Errors
    /// When the mail was not accepted. The error says whether to retry.
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendError>;
}
