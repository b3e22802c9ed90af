//! SMTP, through lettre.

use std::time::Duration;

use async_trait::async_trait;
use lettre::address::AddressError;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::response::Category;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use super::{Carrier, Outgoing, Refusal};

/// For each command. The sender's lease is longer than a whole delivery.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why there is no transport.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// `SMTP_URL`.
    #[error("SMTP_URL cannot be used: {0}")]
    Url(lettre::transport::smtp::Error),
    /// The address that it gives.
    #[error("the sender's address cannot be used: {0}")]
    From(#[from] AddressError),
}

/// An SMTP server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// At `url`, as lettre reads it; `from` is the sender's address.
    pub fn new(url: &SecretString, from: &str) -> Result<Self, SmtpError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
            .map_err(SmtpError::Url)?
            .timeout(Some(TIMEOUT))
            .build();
        let from = Mailbox::new(Some("Seamline".to_owned()), from.parse::<Address>()?);
        Ok(Self { transport, from })
    }

    fn message(&self, mail: &Outgoing) -> Result<Message, Refusal> {
        let address: Address = mail
            .recipient
            .parse()
            .map_err(|_| Refusal::Never("the address cannot be written into a mail".to_owned()))?;
        Message::builder()
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(&mail.letter.subject)
            .multipart(MultiPart::alternative_plain_html(
                mail.letter.text(),
                mail.letter.html(),
            ))
            .map_err(|_| Refusal::Never("the mail cannot be written".to_owned()))
    }
}

#[async_trait]
impl Carrier for Smtp {
    async fn carry(&self, mail: &Outgoing) -> Result<(), Refusal> {
        let message = self.message(mail)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(refusal(&error)),
        }
    }
}

/// What an error means. Of the server's words only the code is kept: they often repeat the address. RFC 5321, 4.2.1: the
/// second digit 5 speaks of the mailbox; any other final "no" is about us, and an operator may put it right.
fn refusal(error: &lettre::transport::smtp::Error) -> Refusal {
    match error.status() {
        Some(code) if error.is_permanent() && code.category == Category::MailSystem => {
            Refusal::Never(format!("the SMTP server answered {code}"))
        }
        Some(code) => Refusal::Later(format!("the SMTP server answered {code}")),
        None if error.is_timeout() => Refusal::Later("the SMTP server did not answer in time".to_owned()),
        None if error.is_tls() => Refusal::Later("no TLS with the SMTP server".to_owned()),
        None if error.is_response() => {
            Refusal::Later("the SMTP server's answer was not understood".to_owned())
        }
        None if error.is_client() => Refusal::Later("the SMTP server lacks what we need of it".to_owned()),
        None => Refusal::Later("the SMTP server was not reached".to_owned()),
    }
}
