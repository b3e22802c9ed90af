//! Reading the mailbox.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::tracking::SeamClient;

/// A mail, as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailView {
    /// The mail.
    pub id: Uuid,
    /// To whom.
    pub recipient: String,
    /// Subject line.
    pub subject: String,
    /// How long ago it was written.
    pub when: String,
    /// Paragraphs.
    pub before: Vec<String>,
    /// Button and link, if any.
    pub action: Option<(String, String)>,
    /// Paragraphs after it.
    pub after: Vec<String>,
}

/// The newest mails; `None` where mails are sent, and so not kept.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn mails() -> Result<Option<Vec<MailView>>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    reading::mails(&visit).await
}

#[cfg(feature = "ssr")]
mod reading {
    use backend::mail::KeptMail;
    use leptos::prelude::ServerFnError;

    use super::MailView;
    use crate::moments::ago;
    use crate::visit::Visit;

    pub(super) async fn mails(visit: &Visit) -> Result<Option<Vec<MailView>>, ServerFnError> {
        let Some(mailbox) = &visit.backend.mailbox else {
            return Ok(None);
        };
        let kept = mailbox.letters(None).await.map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot read the mailbox"
            );
            ServerFnError::new("The mailbox cannot be read right now.")
        })?;
        let now_ms = visit.backend.clock.now_ms();
        let view = |mail: KeptMail| MailView {
            id: mail.id,
            recipient: mail.recipient,
            subject: mail.letter.subject,
            when: ago(mail.created_at, now_ms),
            before: mail.letter.before,
            action: mail.letter.action.map(|action| (action.label, action.url)),
            after: mail.letter.after,
        };
        Ok(Some(kept.into_iter().map(view).collect()))
    }
}
