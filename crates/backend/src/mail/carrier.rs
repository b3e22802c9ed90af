//! How a letter leaves.

use async_trait::async_trait;
use uuid::Uuid;

use super::Letter;

/// A letter with its envelope. It has no `Debug`: its text holds a secret.
#[derive(Clone)]
pub struct Outgoing {
    /// The mail's row. The same in every attempt, so that a mail that arrives twice can be known as one.
    pub id: Uuid,
    /// To whom.
    pub recipient: String,
    /// What it says.
    pub letter: Letter,
}

/// Why a letter did not leave. The sentence goes into a log: it names nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another time it may.
    #[error("{0}")]
    Later(String),
    /// It never will: there is no such mailbox.
    #[error("{0}")]
    Never(String),
}

/// Takes letters away.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// `Ok`: whoever is next in the chain has it.
    async fn carry(&self, mail: &Outgoing) -> Result<(), Refusal>;
}
