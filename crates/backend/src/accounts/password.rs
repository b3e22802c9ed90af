//! Password hashing with argon2id, on blocking threads and with a limit on concurrency.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use forms::Secret;
use tokio::sync::Semaphore;

use super::AccountError;

/// Concurrent hashes. A hash uses 19 MiB and one core, so more would only slow down the server.
const MAX_CONCURRENT: usize = 4;

/// The hash that an unknown address is checked against, so that the response takes the same time. No account has it.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2VhbWxpbmUtbm9ib2R5$4VPuPWXFUgfYJTmN6Y2E0oYqVxUbrM2nVJv2Y2nqkaQ";

pub(super) struct Hasher {
    permits: Semaphore,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            permits: Semaphore::new(MAX_CONCURRENT),
        }
    }
}

impl Hasher {
    /// Returns a salted hash in PHC format.
    pub(super) async fn hash(&self, password: &Secret) -> Result<String, AccountError> {
        let password = password.clone();
        self.blocking(move || {
            let hash = Argon2::default().hash_password(password.expose().as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|error| AccountError::Hash(error.to_string()))
        })
        .await?
    }

    /// Whether the password matches the hash. Without a hash, it returns false after the same amount of work.
    pub(super) async fn verify(&self, password: &Secret, hash: Option<String>) -> Result<bool, AccountError> {
        let password = password.clone();
        let has_hash = hash.is_some();
        let matches = self
            .blocking(move || {
                let hash = hash.as_deref().unwrap_or(DUMMY_HASH);
                let hash = PasswordHash::new(hash).map_err(|error| AccountError::Hash(error.to_string()))?;
                Ok::<_, AccountError>(
                    Argon2::default()
                        .verify_password(password.expose().as_bytes(), &hash)
                        .is_ok(),
                )
            })
            .await??;
        Ok(matches && has_hash)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let _permit = self
            .permits
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
    async fn only_the_correct_password_matches() {
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
    async fn the_dummy_hash_has_the_parameters_of_a_real_one() {
        let parsed = PasswordHash::new(DUMMY_HASH).unwrap();
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
