//! Creates the mail sender: over SMTP, or to the mailbox of local mode.

use std::sync::Arc;

use backend::Backend;
use backend::config::MailConfig;
use backend::mail::{MailTransport, Mailbox, Sender, SmtpTransport};
use db::Db;
use url::Url;

use crate::startup::error::StartError;

/// Returns the sender of this server's mails. Links in mails start with `public_url`.
///
/// # Errors
/// When the SMTP settings are invalid.
pub fn sender(mail: &MailConfig, backend: &Backend, db: &Db, public_url: &Url) -> Result<Sender, StartError> {
    let transport: Arc<dyn MailTransport> = match &mail.smtp {
        Some(server) => Arc::new(SmtpTransport::new(&server.url, &server.from)?),
        None => Arc::new(Mailbox::new(db.clone())),
    };
    let wakeup = backend.accounts.mail_wakeup();
    Ok(Sender::new(
        db.clone(),
        backend.clock.clone(),
        transport,
        public_url.clone(),
        wakeup,
    ))
}
