//! Who votes: an account, or a browser without one, by a token in a cookie.

use std::fmt;

use sha2::{Digest, Sha256};
use tracking::UserId;
use uuid::Uuid;

use super::store;
use crate::{hex, ids};

/// Whose vote it is. One poll has one vote of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voter {
    /// Somebody signed in.
    Account(UserId),
    /// A browser.
    Token(VoterToken),
}

/// A browser's token. It lies in a cookie that no script can read, is sent nowhere else, and is kept as a hash: whoever
/// reads the database cannot vote as anybody.
#[derive(Clone, PartialEq, Eq)]
pub struct VoterToken(Uuid);

impl VoterToken {
    /// A new one.
    pub fn mint() -> Self {
        Self(ids::random())
    }

    /// Reads a cookie. Whatever is malformed is no token.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        plain.then(|| Uuid::parse_str(text).ok()).flatten().map(Self)
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

/// Makes the votes of a browser those of the account that signs up or in there, in the transaction that does. Where both
/// have voted on a poll, the account's vote holds. It locks polls, so it comes before anything is enqueued.
pub(crate) async fn adopt(
    connection: &mut db::Connection,
    token: &VoterToken,
    user: UserId,
) -> Result<(), sqlx::Error> {
    let hash = token.hash();
    // In the order of their IDs, so that two who share polls do not wait for each other.
    for poll in store::polls_voted_on(connection, &hash).await? {
        store::lock(connection, poll).await?;
        store::adopt_vote(connection, poll, &hash, user).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_mint_is_a_token() {
        let token = VoterToken::mint();
        assert_eq!(VoterToken::parse(&token.expose()), Some(token.clone()));
        assert_ne!(token, VoterToken::mint());
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
    fn a_token_is_shown_in_no_log() {
        let token = VoterToken::mint();
        let voter = format!("{:?}", Voter::Token(token.clone()));
        assert!(!voter.contains(&token.expose()), "{voter}");
        assert_ne!(token.hash(), token.expose());
    }
}
