//! The mailbox of local mode. It stores the mails to all addresses in the database, and a page shows them.

use async_trait::async_trait;
use db::Db;
use uuid::Uuid;

use super::{MailContent, MailTransport, OutgoingMail, SendError, store};

/// Mails that the page lists at most.
const MAX_LISTED: i64 = 100;

/// The mailbox of local mode. Cheap to clone.
#[derive(Clone)]
pub struct Mailbox {
    db: Db,
}

/// A mail in the mailbox.
pub struct StoredMail {
    /// The ID of the mail.
    pub id: Uuid,
    /// The recipient's address.
    pub recipient: String,
    /// Subject and text.
    pub content: MailContent,
    /// When it was enqueued, in ms since the epoch.
    pub created_at_ms: i64,
}

impl Mailbox {
    /// Creates a mailbox on this database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Returns the mails to one address or to all addresses, newest first.
    pub async fn mails(&self, recipient: Option<&str>) -> Result<Vec<StoredMail>, sqlx::Error> {
        let key = recipient.map(|address| address.trim().to_lowercase());
        store::stored_mails(self.db.pool(), key.as_deref(), MAX_LISTED).await
    }
}

#[async_trait]
impl MailTransport for Mailbox {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendError> {
        let content =
            serde_json::to_string(&mail.content).map_err(|error| SendError::Permanent(error.to_string()))?;
        store::store_content(&self.db, mail.id, &mail.recipient, &content)
            .await
            .map_err(|error| SendError::Temporary(error.to_string()))
    }
}
