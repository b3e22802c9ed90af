//! Sends mails over SMTP with lettre.

use std::time::Duration;

use async_trait::async_trait;
use forms::Email;
use lettre::address::AddressError;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::response::Category;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use super::{MailTransport, OutgoingMail, SendError};

/// Timeout of each SMTP command. The sender's lease is longer than a whole delivery.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why an SMTP transport could not be created.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The URL is invalid.
    #[error("SMTP_URL is invalid: {0}")]
    Url(lettre::transport::smtp::Error),
    /// The sender's address is invalid.
    #[error("the sender's address is invalid: {0}")]
    From(#[from] AddressError),
}

/// Sends mails to an SMTP server.
pub struct SmtpTransport {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpTransport {
    /// Creates a transport for the server at `url` (in lettre's format). `from` is the sender's address.
    pub fn new(url: &SecretString, from: &str) -> Result<Self, SmtpError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
            .map_err(SmtpError::Url)?
            .timeout(Some(TIMEOUT))
            .build();
        let from = Mailbox::new(Some("Seamline".to_owned()), from.parse::<Address>()?);
        Ok(Self { transport, from })
    }

    /// Connects, with the TLS and the login of the URL, and closes the connection. No mail is sent.
    ///
    /// # Errors
    /// When the server is not reached or refuses the login.
    pub async fn check(&self) -> Result<(), SendError> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SendError::Temporary(
                "the SMTP server closed the connection".to_owned(),
            )),
            Err(error) => Err(send_error(&error)),
        }
    }

    fn message(&self, mail: &OutgoingMail) -> Result<Message, SendError> {
        // In ASCII, an international host needs no support of the mail server.
        let address: Address = Email::delivery_of(&mail.recipient)
            .parse()
            .map_err(|_| SendError::Permanent("the recipient's address is invalid".to_owned()))?;
        Message::builder()
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(&mail.content.subject)
            .multipart(MultiPart::alternative_plain_html(
                mail.content.text(),
                mail.content.html(),
            ))
            .map_err(|_| SendError::Permanent("the mail cannot be encoded".to_owned()))
    }
}

#[async_trait]
impl MailTransport for SmtpTransport {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendError> {
        let message = self.message(mail)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(send_error(&error)),
        }
    }
}

/// Classifies an SMTP error. Only the status code is kept, because the server's text often repeats the address. A
/// permanent error about the mailbox (second digit 5; RFC 5321, 4.2.1) is permanent. Any other error may be fixed by an
/// operator and is retried.
fn send_error(error: &lettre::transport::smtp::Error) -> SendError {
    match error.status() {
        Some(code) if error.is_permanent() && code.category == Category::MailSystem => {
            SendError::Permanent(format!("the SMTP server answered {code}"))
        }
        Some(code) => SendError::Temporary(format!("the SMTP server answered {code}")),
        None if error.is_timeout() => SendError::Temporary("the SMTP server timed out".to_owned()),
        None if error.is_tls() => SendError::Temporary("TLS to the SMTP server failed".to_owned()),
        None if error.is_response() => {
            SendError::Temporary("the SMTP server's response is invalid".to_owned())
        }
        None if error.is_client() => {
            SendError::Temporary("the SMTP server lacks a required feature".to_owned())
        }
        None => SendError::Temporary("the SMTP server was not reached".to_owned()),
    }
}
