//! Password hashes: argon2id, off the async threads, a few at a time.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use forms::{Secret};
use tokio::sync::Semaphore;

use super::AccountError;

/// A hash takes 19 MiB and a core: more at once would only push each other, and everything else, aside.
const AT_ONCE: usize = 4;

/// What an unknown address is compared with, so that the answer takes as long. It is no account's hash.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2VhbWxpbmUtbm9ib2R5$4VPuPWXFUgfYJTmN6Y2E0oYqVxUbrM2nVJv2Y2nqkaQ";

pub(super) struct Hasher {
    turns: Semaphore,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
        }
    }
}

impl Hasher {
    /// A salted hash in PHC form.
    pub(super) async fn hash(&self, password: &Secret) -> Result<String, AccountError> {
        let password = password.clone();
        self.blocking(move || {
            let hash = Argon2::default().hash_password(password.expose().as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|error| AccountError::Hash(error.to_string()))
        })
        .await?
    }

    /// Whether the password has this hash; without one, `false` after the same work.
    pub(super) async fn verify(&self, password: &Secret, hash: Option<String>) -> Result<bool, AccountError> {
        let password = password.clone();
        let known = hash.is_some();
        let matches = self
            .blocking(move || {
                let hash = hash.as_deref().unwrap_or(NOBODY);
                let hash = PasswordHash::new(hash).map_err(|error| AccountError::Hash(error.to_string()))?;
                Ok::<_, AccountError>(
                    Argon2::default()
                        .verify_password(password.expose().as_bytes(), &hash)
                        .is_ok(),
                )
            })
            .await??;
        Ok(matches && known)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let _turn = self
            .turns
            .acquire()
            .await
            .map_err(|error| AccountError::Hash(error.to_string()))?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| AccountError::Hash(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_and_no_other() {
        let hasher = Hasher::default();
        let password = Secret::new("correct horse battery");
        let hash = hasher.hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher.verify(&password, Some(hash.clone())).await.unwrap());
        assert!(
            !hasher
                .verify(&Secret::new("correct horse batterz"), Some(hash))
                .await
                .unwrap()
        );
        assert!(!hasher.verify(&password, None).await.unwrap());
    }

    #[tokio::test]
    async fn nobodys_hash_takes_the_work_of_a_real_one() {
        let parsed = PasswordHash::new(NOBODY).unwrap();
        let real = Hasher::default()
            .hash(&Secret::new("correct horse battery"))
            .await
            .unwrap();
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!(
            (parsed.algorithm, parsed.version, &parsed.params),
            (real.algorithm, real.version, &real.params)
        );
        assert_eq!(parsed.hash.unwrap().len(), real.hash.unwrap().len());
    }
}
