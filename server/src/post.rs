//! Where mails go: to an SMTP server, or into the mailbox of local mode.

use std::sync::Arc;

use backend::Backend;
use backend::mail::settings::Mail;
use backend::mail::{Carrier, Mailbox, Sender, Smtp};
use db::Db;
use url::Url;

use crate::start_error::StartError;

/// The sender of this server's mails; `public_url`: where their links lead.
pub fn sender(mail: &Mail, backend: &Backend, db: &Db, public_url: &Url) -> Result<Sender, StartError> {
    let carrier: Arc<dyn Carrier> = match &mail.smtp {
        Some(server) => Arc::new(Smtp::new(&server.url, &server.from)?),
        None => Arc::new(Mailbox::new(db.clone())),
    };
    let nudge = backend.accounts.mails_written();
    Ok(Sender::new(
        db.clone(),
        backend.clock.clone(),
        carrier,
        public_url.clone(),
        nudge,
    ))
}
