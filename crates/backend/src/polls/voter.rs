//! Voters: an account, or a browser that is identified by a token in a cookie.

use std::fmt;

use sha2::{Digest, Sha256};
use tracking::UserId;
use uuid::Uuid;

use super::store;
use crate::{hex, ids};

/// A voter. Each voter has one vote per poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voter {
    /// A signed-in user.
    Account(UserId),
    /// A browser without a login.
    Token(VoterToken),
}

/// The voter token of a browser. It is sent only in a cookie that scripts cannot read, and the database stores only its
/// hash, so that a copy of the database cannot be used to vote.
#[derive(Clone, PartialEq, Eq)]
pub struct VoterToken(Uuid);

impl VoterToken {
    /// Generates a random token.
    pub fn generate() -> Self {
        Self(ids::random())
    }

    /// Parses a cookie's value; `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let is_valid = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_valid.then(|| Uuid::parse_str(text).ok()).flatten().map(Self)
    }

    /// The cookie's value.
    pub fn expose(&self) -> String {
        self.0.simple().to_string()
    }

    pub(super) fn hash(&self) -> String {
        hex::encode(&Sha256::digest(self.expose()))
    }
}

impl fmt::Debug for VoterToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VoterToken(…)")
    }
}

/// Transfers the votes of a browser to the account that signs up or signs in, in the caller's transaction. On a poll
/// with votes of both, the account's vote is kept. It locks polls, so call it before enqueueing events.
pub(crate) async fn transfer_votes(
    connection: &mut db::Connection,
    token: &VoterToken,
    user: UserId,
) -> Result<(), sqlx::Error> {
    let hash = token.hash();
    // In the order of the poll IDs, to avoid deadlocks.
    for poll in store::polls_voted_on(connection, &hash).await? {
        store::lock(connection, poll).await?;
        store::transfer_vote(connection, poll, &hash, user).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_32_lowercase_hex_digits_are_a_token() {
        let token = VoterToken::generate();
        assert_eq!(VoterToken::parse(&token.expose()), Some(token.clone()));
        assert_ne!(token, VoterToken::generate());
        for text in [
            "",
            "x",
            "2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11",
            "2F1D9B1C7C1E4A9E8B590D9A2B1F4C11",
            "2f1d9b1c7c1e4a9e8b590d9a2b1f4c1",
            "2f1d9b1c7c1e4a9e8b590d9a2b1f4c1g",
            &"a".repeat(8_000),
        ] {
            assert_eq!(VoterToken::parse(text), None, "{text:.40}");
        }
    }

    #[test]
    fn debug_output_hides_the_token() {
        let token = VoterToken::generate();
        let voter = format!("{:?}", Voter::Token(token.clone()));
        assert!(!voter.contains(&token.expose()), "{voter}");
        assert_ne!(token.hash(), token.expose());
    }
}
