//! What the mailbox reads.

use std::error::Error;

use backend::mail::KeptMail;

use super::model::MailView;
use crate::moments::ago;
use crate::visit::Visit;

/// The newest mails, the newest first. `None` where mails are sent, and so not kept.
pub async fn mails(visit: &Visit) -> Result<Option<Vec<MailView>>, Box<dyn Error + Send + Sync>> {
    let Some(mailbox) = &visit.backend.mailbox else {
        return Ok(None);
    };
    let kept = mailbox.letters(None).await?;
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
