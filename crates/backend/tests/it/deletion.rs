//! Tests of account deletion: closing the account at once, and the later steps.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use backend::accounts::deletion::{AmplitudeEraser, CustomerEraser, Deleter};
use backend::accounts::links::LinkSecret;
use backend::config::Config;
use db::testing::engines;
use forms::{ChangePasswordForm, Field, FieldError, PollForm, Secret};
use outbox::{AmplitudeSink, Dispatcher};
use queue::JobFailure;
use serde_json::Value;
use tokio::net::TcpListener;
use tracking::UserId;
use uuid::Uuid;

use crate::support::{DAY, PASSWORD, Store, form_errors, sign_in, visitor};

/// The stand-in for Amplitude, on its own port.
struct AmplitudeServer {
    url: String,
}

impl AmplitudeServer {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let settings = amplitude_local::CollectorSettings {
            secret_key: Some("5ea11e00000000000000000000005ec2".to_owned()),
            ..amplitude_local::CollectorSettings::default()
        };
        let collector = amplitude_local::open(settings).await.unwrap();
        tokio::spawn(amplitude_local::serve(
            listener,
            collector,
            std::future::pending(),
        ));
        Self { url }
    }

    fn config(&self) -> backend::config::AmplitudeConfig {
        let url = self.url.clone();
        Config::read(|name| (name == "AMPLITUDE_URL").then(|| url.clone()))
            .unwrap()
            .amplitude
    }

    fn eraser(&self) -> AmplitudeEraser {
        AmplitudeEraser::new(&self.config()).unwrap()
    }

    async fn events_of(&self, user: UserId) -> usize {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/local/events?user={user}", self.url);
        let found: Value = client.get(url).send().await.unwrap().json().await.unwrap();
        found["events"].as_array().unwrap().len()
    }

    /// Delivers all pending outbox rows.
    async fn drain_outbox(&self, store: &Store) {
        let config = self.config();
        let sink = AmplitudeSink::new(config.ingest_url.as_str(), config.api_key).unwrap();
        let clock = store.clock.clone();
        let clock: outbox::MillisClock = Arc::new(move || clock.now_ms());
        let settings = outbox::DispatcherSettings::default();
        let dispatcher = Dispatcher::new(store.test.db.clone(), Arc::new(sink), clock, settings);
        dispatcher.drain().await.unwrap();
    }
}

fn deleter(store: &Store, billing: Arc<dyn CustomerEraser>, amplitude: AmplitudeEraser) -> Deleter {
    Deleter::new(
        store.test.db.clone(),
        store.clock.clone(),
        billing,
        amplitude,
        store.accounts.deletion_wakeup(),
    )
}

/// A customer eraser that fails a given number of times and records the erased users.
#[derive(Default)]
struct FlakyEraser {
    failures: AtomicUsize,
    erased: Mutex<Vec<UserId>>,
}

#[async_trait]
impl CustomerEraser for FlakyEraser {
    async fn erase(&self, user: UserId) -> Result<(), JobFailure> {
        let failures_left = self.failures.load(Ordering::SeqCst);
        if failures_left > 0 {
            self.failures.store(failures_left - 1, Ordering::SeqCst);
            return Err(JobFailure::Transient("Stripe answered 500".to_owned()));
        }
        self.erased.lock().unwrap().push(user);
        tokio::task::yield_now().await;
        Ok(())
    }
}

async fn step_of(store: &Store, user: UserId) -> String {
    let sql = format!("SELECT step FROM account_deletions WHERE lane = '{user}'");
    store.texts(&sql).await.remove(0)
}

#[tokio::test]
async fn closing_an_account_disables_sign_in_and_deletes_unsent_events() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up_confirmed("ada@example.com").await;
        let other = store.sign_up("bob@example.com").await;
        let wrong = store
            .accounts
            .delete_account(&Secret::new("not it"), &login, &visitor())
            .await;
        assert_eq!(
            form_errors(wrong).at(ChangePasswordForm::current_password),
            Some(&FieldError::WrongPassword),
            "{engine:?}"
        );
        assert!(!store.accounts.is_deleted(login.user.id).await.unwrap());

        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login, &visitor())
            .await
            .unwrap();
        assert_eq!(store.login(login.id).await, None, "{engine:?}");
        assert_eq!(store.count("logins WHERE ended_by = 'deleted'").await, 1);
        assert_eq!(
            store.accounts.owner_of_login(login.id).await.unwrap(),
            None,
            "late events are refused"
        );
        assert_eq!(store.events_of(login.user.id).await.len(), 0, "{engine:?}");
        assert_eq!(
            store.events_of(other.user.id).await.len(),
            1,
            "bob's event is kept"
        );
        let back = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await;
        assert_eq!(
            form_errors(back).at(Field::FORM),
            Some(&FieldError::WrongCredentials),
            "{engine:?}"
        );
        let again = store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login, &visitor())
            .await;
        assert!(
            form_errors(again)
                .at(ChangePasswordForm::current_password)
                .is_some()
        );
        assert!(store.accounts.is_deleted(login.user.id).await.unwrap());
        assert_eq!(
            store.subjects_to("ada@example.com").await[0],
            "Your account is being deleted"
        );
    }
}

#[tokio::test]
async fn the_steps_delete_the_customer_the_tables_and_the_data_at_amplitude() {
    for engine in engines() {
        let (store, amplitude) = (Store::new(engine).await, AmplitudeServer::start().await);
        let login = store.sign_up_confirmed("ada@example.com").await;
        let other = store.sign_up("bob@example.com").await;
        let user = login.user.id;
        let poll = PollForm {
            question: "Lunch?".to_owned(),
            option: vec!["Soup".to_owned(), "Salad".to_owned()],
            ..PollForm::default()
        };
        store
            .polls
            .create(user, &poll.check().unwrap(), Uuid::nil())
            .await
            .unwrap();
        store.deliver_mails().await;
        amplitude.drain_outbox(&store).await;
        assert_eq!(amplitude.events_of(user).await, 1, "{engine:?}");
        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login, &visitor())
            .await
            .unwrap();

        let stripe = Arc::new(FlakyEraser::default());
        deleter(&store, stripe.clone(), amplitude.eraser())
            .drain()
            .await
            .unwrap();
        assert_eq!(*stripe.erased.lock().unwrap(), [user], "{engine:?}");
        for table in ["users", "logins", "mail_tokens", "polls"] {
            let column = if table == "users" { "id" } else { "user_id" };
            assert_eq!(
                store.count(&format!("{table} WHERE {column} = '{user}'")).await,
                0,
                "{engine:?} {table}"
            );
        }
        assert_eq!(store.count("users").await, 1, "bob's account is kept");
        let remaining =
            format!("outbox WHERE lane = '{user}' AND (payload IS NOT NULL OR device_id IS NOT NULL)");
        assert_eq!(store.count(&remaining).await, 0, "{engine:?}");
        assert_eq!(amplitude.events_of(user).await, 0, "{engine:?}");
        assert_eq!(amplitude.events_of(other.user.id).await, 1);
        assert_eq!(step_of(&store, user).await, "done");
        assert!(
            store.accounts.is_deleted(user).await.unwrap(),
            "still known as deleted, for late webhooks"
        );
        assert_eq!(
            store.subjects_to("ada@example.com").await,
            ["Your account is being deleted"]
        );
        store.sign_up("ada@example.com").await;
    }
}

#[tokio::test]
async fn a_failed_step_is_retried_before_the_next_step() {
    for engine in engines() {
        let (store, amplitude) = (Store::new(engine).await, AmplitudeServer::start().await);
        let login = store.sign_up("ada@example.com").await;
        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login, &visitor())
            .await
            .unwrap();
        let stripe = Arc::new(FlakyEraser::default());
        stripe.failures.store(3, Ordering::SeqCst);
        for wait in [0, 5_000, 10_000] {
            store.clock.advance(wait);
            // A new deleter each time, as after a restart.
            deleter(&store, stripe.clone(), amplitude.eraser())
                .drain()
                .await
                .unwrap();
            assert_eq!(step_of(&store, login.user.id).await, "billing", "{engine:?}");
            assert_eq!(
                store.count("users").await,
                1,
                "the account is kept until the customer is deleted"
            );
        }
        assert_eq!(
            store.texts("SELECT last_error FROM account_deletions").await,
            ["Stripe answered 500"]
        );
        store.clock.advance(19_999);
        deleter(&store, stripe.clone(), amplitude.eraser())
            .drain()
            .await
            .unwrap();
        assert_eq!(stripe.erased.lock().unwrap().len(), 0, "{engine:?}: too soon");
        store.clock.advance(1);
        deleter(&store, stripe.clone(), amplitude.eraser())
            .drain()
            .await
            .unwrap();
        assert_eq!(step_of(&store, login.user.id).await, "done", "{engine:?}");
    }
}

#[tokio::test]
async fn the_amplitude_step_is_retried_until_amplitude_is_reachable() {
    for engine in engines() {
        let (store, amplitude) = (Store::new(engine).await, AmplitudeServer::start().await);
        let login = store.sign_up("ada@example.com").await;
        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login, &visitor())
            .await
            .unwrap();
        let closed_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let unreachable = AmplitudeServer {
            url: format!("http://{}", closed_listener.local_addr().unwrap()),
        };
        drop(closed_listener);
        deleter(&store, Arc::new(FlakyEraser::default()), unreachable.eraser())
            .drain()
            .await
            .unwrap();
        assert_eq!(step_of(&store, login.user.id).await, "amplitude", "{engine:?}");
        assert_eq!(store.count("users").await, 0, "our own data is deleted");
        store.clock.advance(DAY);
        deleter(&store, Arc::new(FlakyEraser::default()), amplitude.eraser())
            .drain()
            .await
            .unwrap();
        assert_eq!(step_of(&store, login.user.id).await, "done", "{engine:?}");
    }
}

#[tokio::test]
async fn without_a_secret_key_a_deletion_is_parked_and_continues_when_the_key_is_set() {
    for engine in engines() {
        let (store, amplitude) = (Store::new(engine).await, AmplitudeServer::start().await);
        let login = store.sign_up("ada@example.com").await;
        let user = login.user.id;
        amplitude.drain_outbox(&store).await;
        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login, &visitor())
            .await
            .unwrap();
        let mut config = amplitude.config();
        config.secret_key = None;
        let without_key = || AmplitudeEraser::new(&config).unwrap();
        let stripe = Arc::new(FlakyEraser::default());
        for _ in 0..2 {
            let deleter = deleter(&store, stripe.clone(), without_key());
            assert_eq!(deleter.unpark_if_configured().await.unwrap(), 0, "{engine:?}");
            deleter.drain().await.unwrap();
            store.clock.advance(DAY);
        }
        let [parked] = &store.accounts.parked_deletions(10).await.unwrap()[..] else {
            panic!("one is parked")
        };
        assert_eq!(
            (
                parked.user,
                parked.step.as_str(),
                parked.reason.as_str(),
                parked.attempts
            ),
            (user, "amplitude", "AMPLITUDE_SECRET_KEY is not set", 1),
            "{engine:?}"
        );
        let counts = store.accounts.deletion_counts().await.unwrap();
        assert_eq!((counts.pending, counts.parked), (0, 1), "{engine:?}");
        assert_eq!(amplitude.events_of(user).await, 1, "{engine:?}: not deleted");

        let deleter = deleter(&store, stripe, amplitude.eraser());
        assert_eq!(deleter.unpark_if_configured().await.unwrap(), 1, "{engine:?}");
        deleter.drain().await.unwrap();
        assert_eq!(step_of(&store, user).await, "done", "{engine:?}");
        assert_eq!(amplitude.events_of(user).await, 0, "{engine:?}");
        assert_eq!(store.accounts.parked_deletions(10).await.unwrap(), []);
    }
}

/// Fails in the same way each time.
struct BrokenEraser(fn() -> JobFailure);

#[async_trait]
impl CustomerEraser for BrokenEraser {
    async fn erase(&self, _user: UserId) -> Result<(), JobFailure> {
        Err((self.0)())
    }
}

#[tokio::test]
async fn a_deletion_that_is_refused_or_panics_is_parked_and_can_be_replayed() {
    let refused: fn() -> JobFailure =
        || JobFailure::Refused("Stripe rejected the request with 401".to_owned());
    let panicking: fn() -> JobFailure = || panic!("expected in this test");
    for engine in engines() {
        for (failure, attempts, reason) in [
            (refused, 12, "Stripe rejected the request with 401"),
            (panicking, 3, "panicked"),
        ] {
            let (store, amplitude) = (Store::new(engine).await, AmplitudeServer::start().await);
            let login = store.sign_up("ada@example.com").await;
            let user = login.user.id;
            store
                .accounts
                .delete_account(&Secret::new(PASSWORD), &login, &visitor())
                .await
                .unwrap();
            let broken = deleter(&store, Arc::new(BrokenEraser(failure)), amplitude.eraser());
            for _ in 0..20 {
                broken.drain().await.unwrap();
                store.clock.advance(DAY);
            }
            let [parked] = &store.accounts.parked_deletions(10).await.unwrap()[..] else {
                panic!("{engine:?}: one is parked")
            };
            assert_eq!(
                (parked.step.as_str(), parked.attempts, parked.reason.as_str()),
                ("billing", attempts, reason),
                "{engine:?}"
            );
            assert!(store.accounts.replay_deletion(user).await.unwrap());
            assert!(!store.accounts.replay_deletion(user).await.unwrap(), "once");
            let stripe = Arc::new(FlakyEraser::default());
            deleter(&store, stripe, amplitude.eraser()).drain().await.unwrap();
            assert_eq!(step_of(&store, user).await, "done", "{engine:?}");
        }
    }
}

#[tokio::test]
async fn four_deleters_run_each_step_once() {
    for engine in engines() {
        let (store, amplitude) = (Store::new(engine).await, AmplitudeServer::start().await);
        for n in 0..6 {
            let login = store.sign_up(&format!("ada.{n}@example.com")).await;
            store
                .accounts
                .delete_account(&Secret::new(PASSWORD), &login, &visitor())
                .await
                .unwrap();
        }
        let stripe = Arc::new(FlakyEraser::default());
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let deleter = deleter(&store, stripe.clone(), amplitude.eraser());
                tokio::spawn(async move { deleter.drain().await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(stripe.erased.lock().unwrap().len(), 6, "{engine:?}");
        assert_eq!(store.count("account_deletions WHERE step = 'done'").await, 6);
        assert_eq!(store.count("users").await, 0);
    }
}

#[tokio::test]
async fn the_links_of_a_deleted_account_no_longer_work() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        let secret: LinkSecret = store
            .link_in("ada@example.com", "Confirm your email address")
            .await;
        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login, &visitor())
            .await
            .unwrap();
        let late = store.accounts.verify_email(&secret, &login, &visitor()).await;
        assert_eq!(
            form_errors(late).at(Field::FORM),
            Some(&FieldError::LinkExpired),
            "{engine:?}"
        );
        store.request_reset("ada@example.com").await;
        store.deliver_mails().await;
        assert_eq!(
            store.count("mails WHERE state = 'dropped'").await,
            1,
            "{engine:?}"
        );
    }
}
