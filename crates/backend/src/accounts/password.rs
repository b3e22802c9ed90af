//! Password hashing with argon2id, on blocking threads. The number of concurrent hashes is limited, and so is the number of
//! requests that wait for one.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use forms::{Field, FieldError, FieldErrors, Secret};
use tokio::sync::Semaphore;

use super::AccountError;
use crate::NetworkKey;
use crate::slots::{Slot, SlotUsage, Slots};

/// Concurrent hashes. A hash uses 19 MiB and one core, so more would only slow down the server.
const MAX_CONCURRENT: usize = 4;
/// Requests that may wait for a hash. Each waits for about 30 ms per four of them, so none waits for more than a second or
/// two.
const MAX_WAITING: usize = 64;
/// Requests of one network that may wait or be hashed, so that one network cannot fill the queue.
const MAX_BY_NETWORK: usize = 16;

/// The hash that an unknown address is checked against, so that the response takes the same time. No account has it.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2VhbWxpbmUtbm9ib2R5$4VPuPWXFUgfYJTmN6Y2E0oYqVxUbrM2nVJv2Y2nqkaQ";

/// The requests in the queue for a password hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashQueueUsage {
    /// Passwords that are hashed now.
    pub running: usize,
    /// Requests that have a place and wait for a hash.
    pub waiting: usize,
    /// Requests that were refused because the queue was full.
    pub refused_by_total: u64,
    /// Requests that were refused because their network had too many places.
    pub refused_by_network: u64,
}

pub(super) struct Hasher {
    /// Held while a password is hashed.
    permits: Arc<Semaphore>,
    /// Taken while a request waits and while its password is hashed.
    places: Slots,
}

impl Hasher {
    /// `factor` multiplies the places of one network.
    pub(super) fn new(factor: u32) -> Self {
        let by_network = MAX_BY_NETWORK.saturating_mul(usize::try_from(factor).unwrap_or(usize::MAX));
        Self {
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT)),
            places: Slots::new(MAX_CONCURRENT + MAX_WAITING, by_network),
        }
    }

    /// The queue now.
    pub(super) fn usage(&self) -> HashQueueUsage {
        let running = MAX_CONCURRENT.saturating_sub(self.permits.available_permits());
        let SlotUsage {
            taken,
            refused_by_total,
            refused_by_network,
        } = self.places.usage();
        HashQueueUsage {
            running,
            waiting: taken.saturating_sub(running),
            refused_by_total,
            refused_by_network,
        }
    }

    /// A place in the queue for one hash. Fails if too many requests, or too many of this network, wait already. Take it
    /// before the attempt is counted: a refused request then costs neither work nor an attempt.
    pub(super) fn place(&self, network: NetworkKey) -> Result<HashPlace, AccountError> {
        let place = self.places.take(Some(network));
        Ok(HashPlace {
            place: place.map_err(|_| FieldErrors::one(Field::FORM, FieldError::Busy))?,
            permits: Arc::clone(&self.permits),
        })
    }
}

/// The result of a comparison of a password with a hash.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PasswordMatch {
    Wrong,
    Correct {
        /// The hash of the normal form, if the stored hash is of another form.
        new_hash: Option<String>,
    },
}

/// See [`Hasher::place`].
#[derive(Debug)]
pub(super) struct HashPlace {
    place: Slot,
    permits: Arc<Semaphore>,
}

impl HashPlace {
    /// Returns a salted hash of the password's normal form, in PHC format.
    pub(super) async fn hash(self, password: &Secret) -> Result<String, AccountError> {
        let password = password.normal_form();
        self.blocking(move || hash(&password)).await?
    }

    /// Compares the password with the hash: its normal form first, then the forms that were hashed before passwords were
    /// normalized. Without a hash, it returns `Wrong` after the same amount of work.
    pub(super) async fn verify(
        self,
        password: &Secret,
        hash: Option<String>,
    ) -> Result<PasswordMatch, AccountError> {
        let forms = password.forms();
        let has_hash = hash.is_some();
        let matched = self
            .blocking(move || {
                let stored = hash.as_deref().unwrap_or(DUMMY_HASH);
                let stored =
                    PasswordHash::new(stored).map_err(|error| AccountError::Hash(error.to_string()))?;
                let matches = |form: &String| {
                    Argon2::default()
                        .verify_password(form.as_bytes(), &stored)
                        .is_ok()
                };
                Ok::<_, AccountError>(match forms.iter().position(matches) {
                    None => PasswordMatch::Wrong,
                    Some(0) => PasswordMatch::Correct { new_hash: None },
                    Some(_) => PasswordMatch::Correct {
                        new_hash: Some(self::hash(&forms[0])?),
                    },
                })
            })
            .await??;
        Ok(if has_hash { matched } else { PasswordMatch::Wrong })
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

fn hash(password: &str) -> Result<String, AccountError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| AccountError::Hash(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u8) -> NetworkKey {
        NetworkKey::of([192, 0, 2, number].into())
    }

    #[tokio::test]
    async fn only_the_correct_password_matches() {
        let hasher = Hasher::new(1);
        let place = || hasher.place(network(1)).unwrap();
        let password = Secret::new("correct horse battery");
        let hash = place().hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let wrong = Secret::new("correct horse batterz");
        for (password, hash, expected) in [
            (
                &password,
                Some(hash.clone()),
                PasswordMatch::Correct { new_hash: None },
            ),
            (&wrong, Some(hash), PasswordMatch::Wrong),
            (&password, None, PasswordMatch::Wrong),
        ] {
            assert_eq!(place().verify(password, hash).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn case_19_a_password_has_one_hash_in_composed_and_decomposed_form() {
        let hasher = Hasher::new(1);
        let place = || hasher.place(network(1)).unwrap();
        let composed = Secret::new("r\u{e9}sum\u{e9} battery");
        let decomposed = Secret::new("re\u{301}sume\u{301} battery");
        for [made, typed] in [[&composed, &decomposed], [&decomposed, &composed]] {
            let hash = place().hash(made).await.unwrap();
            let matched = place().verify(typed, Some(hash)).await.unwrap();
            assert_eq!(matched, PasswordMatch::Correct { new_hash: None });
        }
        // A hash of the decomposed form, from before passwords were normalized.
        let old = super::hash("re\u{301}sume\u{301} battery").unwrap();
        for typed in [&decomposed, &composed] {
            let PasswordMatch::Correct { new_hash: Some(new) } =
                place().verify(typed, Some(old.clone())).await.unwrap()
            else {
                panic!("the old hash works, and is replaced")
            };
            let matched = place().verify(&composed, Some(new)).await.unwrap();
            assert_eq!(matched, PasswordMatch::Correct { new_hash: None });
        }
        let other = Secret::new("resume battery");
        assert_eq!(
            place().verify(&other, Some(old)).await.unwrap(),
            PasswordMatch::Wrong
        );
    }

    #[tokio::test]
    async fn the_dummy_hash_has_the_parameters_of_a_real_one() {
        let parsed = PasswordHash::new(DUMMY_HASH).unwrap();
        let real = Hasher::new(1)
            .place(network(1))
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
        let hasher = Hasher::new(100);
        let password = Secret::new("correct horse battery");
        let places: Vec<_> = (0..MAX_CONCURRENT + MAX_WAITING)
            .map(|_| hasher.place(network(1)).unwrap())
            .collect();
        let Err(AccountError::FieldErrors(errors)) = hasher.place(network(2)) else {
            panic!("the queue is full")
        };
        assert_eq!(errors, FieldErrors::one(Field::FORM, FieldError::Busy));
        let usage = |waiting| HashQueueUsage {
            running: 0,
            waiting,
            refused_by_total: 1,
            refused_by_network: 0,
        };
        assert_eq!(hasher.usage(), usage(MAX_CONCURRENT + MAX_WAITING));
        for hashed in futures::future::join_all(places.into_iter().map(|place| place.hash(&password))).await {
            hashed.unwrap();
        }
        assert_eq!(hasher.usage(), usage(0), "the queue is empty again");
        assert!(hasher.place(network(1)).is_ok());
    }

    #[test]
    fn one_network_cannot_fill_the_queue() {
        let hasher = Hasher::new(1);
        let places: Vec<_> = (0..100).filter_map(|_| hasher.place(network(1)).ok()).collect();
        assert_eq!(places.len(), MAX_BY_NETWORK);
        assert!(
            hasher.place(network(2)).is_ok(),
            "another network still gets a place"
        );
    }
}
