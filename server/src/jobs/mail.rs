//! Where mails go: to an SMTP server, or into the mailbox of local mode.

use std::sync::Arc;

use backend::Backend;
use backend::config::MailConfig;
use backend::mail::{MailTransport, Mailbox, Sender, SmtpTransport};
use db::Db;
use url::Url;

use crate::startup::StartError;

/// The sender of this server's mails; `public_url`: where their links lead.
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
