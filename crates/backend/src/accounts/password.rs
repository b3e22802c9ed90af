//! Password hashing with argon2id, on blocking threads. The number of concurrent hashes is limited, and so is the number of
//! requests that wait for one.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use forms::{Field, FieldError, FieldErrors, Secret};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AccountError;

/// Concurrent hashes. A hash uses 19 MiB and one core, so more would only slow down the server.
const MAX_CONCURRENT: usize = 4;
/// Requests that may wait for a hash. Each waits for about 30 ms per four of them, so none waits for more than a second or
/// two.
const MAX_WAITING: usize = 64;

/// The hash that an unknown address is checked against, so that the response takes the same time. No account has it.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2VhbWxpbmUtbm9ib2R5$4VPuPWXFUgfYJTmN6Y2E0oYqVxUbrM2nVJv2Y2nqkaQ";

pub(super) struct Hasher {
    /// Held while a password is hashed.
    permits: Arc<Semaphore>,
    /// Held while a request waits and while its password is hashed.
    places: Arc<Semaphore>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT)),
            places: Arc::new(Semaphore::new(MAX_CONCURRENT + MAX_WAITING)),
        }
    }
}

impl Hasher {
    /// A place in the queue for one hash. Fails if too many requests wait already. Take it before the attempt is counted: a
    /// refused request then costs neither work nor an attempt.
    pub(super) fn place(&self) -> Result<HashPlace, AccountError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        Ok(HashPlace {
            place: place.map_err(|_| FieldErrors::one(Field::FORM, FieldError::Busy))?,
            permits: Arc::clone(&self.permits),
        })
    }
}

/// See [`Hasher::place`].
#[derive(Debug)]
pub(super) struct HashPlace {
    place: OwnedSemaphorePermit,
    permits: Arc<Semaphore>,
}

impl HashPlace {
    /// Returns a salted hash in PHC format.
    pub(super) async fn hash(self, password: &Secret) -> Result<String, AccountError> {
        let password = password.clone();
        self.blocking(move || {
            let hash = Argon2::default().hash_password(password.expose().as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|error| AccountError::Hash(error.to_string()))
        })
        .await?
    }

    /// Whether the password matches the hash. Without a hash, it returns false after the same amount of work.
    pub(super) async fn verify(self, password: &Secret, hash: Option<String>) -> Result<bool, AccountError> {
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

    /// The place and the permit are held until the work is done, also if the request is cancelled meanwhile.
    async fn blocking<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let permit = self
            .permits
            .acquire_owned()
            .await
            .map_err(|error| AccountError::Hash(error.to_string()))?;
        let place = self.place;
        let held_work = move || {
            let _held = (place, permit);
            work()
        };
        tokio::task::spawn_blocking(held_work)
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
        let hash = hasher.place().unwrap().hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(
            hasher
                .place()
                .unwrap()
                .verify(&password, Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !hasher
                .place()
                .unwrap()
                .verify(&Secret::new("correct horse batterz"), Some(hash))
                .await
                .unwrap()
        );
        assert!(!hasher.place().unwrap().verify(&password, None).await.unwrap());
    }

    #[tokio::test]
    async fn the_dummy_hash_has_the_parameters_of_a_real_one() {
        let parsed = PasswordHash::new(DUMMY_HASH).unwrap();
        let real = Hasher::default()
            .place()
            .unwrap()
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

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_serves_the_others() {
        let hasher = Hasher::default();
        let password = Secret::new("correct horse battery");
        let places: Vec<_> = (0..MAX_CONCURRENT + MAX_WAITING)
            .map(|_| hasher.place().unwrap())
            .collect();
        let Err(AccountError::FieldErrors(errors)) = hasher.place() else {
            panic!("the queue is full")
        };
        assert_eq!(errors, FieldErrors::one(Field::FORM, FieldError::Busy));
        for hashed in futures::future::join_all(places.into_iter().map(|place| place.hash(&password))).await {
            hashed.unwrap();
        }
        assert!(hasher.place().is_ok(), "the queue is empty again");
    }
}
