//! The mailbox of local mode: letters to everybody, kept in the database, for a page that shows them.

use async_trait::async_trait;
use db::Db;
use uuid::Uuid;

use super::{Carrier, Letter, Outgoing, Refusal, store};

/// Letters that the page lists.
const LISTED: i64 = 100;

/// The mailbox. Cheap to clone.
#[derive(Clone)]
pub struct Mailbox {
    db: Db,
}

/// A letter that it keeps.
pub struct KeptMail {
    /// The mail.
    pub id: Uuid,
    /// To whom.
    pub recipient: String,
    /// What it says.
    pub letter: Letter,
    /// When it was written, in ms since the epoch.
    pub created_at: i64,
}

impl Mailbox {
    /// Over this database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// The newest letters first, to everybody or to one address.
    pub async fn letters(&self, recipient: Option<&str>) -> Result<Vec<KeptMail>, sqlx::Error> {
        let key = recipient.map(|address| address.trim().to_lowercase());
        store::kept(self.db.pool(), key.as_deref(), LISTED).await
    }
}

#[async_trait]
impl Carrier for Mailbox {
    async fn carry(&self, mail: &Outgoing) -> Result<(), Refusal> {
        let letter =
            serde_json::to_string(&mail.letter).map_err(|error| Refusal::Never(error.to_string()))?;
        store::keep(self.db.pool(), mail.id, &mail.recipient, &letter)
            .await
            .map_err(|error| Refusal::Later(error.to_string()))
    }
}
