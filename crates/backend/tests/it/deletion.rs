//! An account goes: at once for everybody, step by step for the rest.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use backend::accounts::deletion::{AmplitudeEraser, CustomerEraser, CustomerError, Deleter};
use backend::accounts::links::LinkSecret;
use backend::config::Config;
use db::testing::engines;
use forms::{ChangePasswordForm, Field, FieldError, PollForm, Secret};
use outbox::{AmplitudeSink, Dispatcher};
use serde_json::Value;
use tokio::net::TcpListener;
use tracking::UserId;
use uuid::Uuid;

use crate::support::{DAY, PASSWORD, Store, faults, sign_in, visitor};

/// The stand-in for Amplitude, on a port of its own.
struct Amplitude {
    url: String,
}

impl Amplitude {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let settings = amplitude_local::Settings {
            secret_key: Some("5ea11e00000000000000000000005ec2".to_owned()),
            ..amplitude_local::Settings::default()
        };
        let collector = amplitude_local::open(settings).await.unwrap();
        tokio::spawn(amplitude_local::serve(
            listener,
            collector,
            std::future::pending(),
        ));
        Self { url }
    }

    fn config(&self) -> backend::config::Amplitude {
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

    /// Everything that waits in the outbox arrives.
    async fn drain_outbox(&self, store: &Store) {
        let config = self.config();
        let sink = AmplitudeSink::new(config.ingest_url.as_str(), config.api_key).unwrap();
        let clock = store.clock.clone();
        let clock: outbox::Clock = Arc::new(move || clock.now_ms());
        let settings = outbox::Settings::default();
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
        store.accounts.deletions_asked_for(),
    )
}

/// Billing that fails a few times, and writes down whom it was to forget.
#[derive(Default)]
struct Stripe {
    failures: AtomicUsize,
    forgotten: Mutex<Vec<UserId>>,
}

#[async_trait]
impl CustomerEraser for Stripe {
    async fn erase(&self, user: UserId) -> Result<(), CustomerError> {
        let left = self.failures.load(Ordering::SeqCst);
        if left > 0 {
            self.failures.store(left - 1, Ordering::SeqCst);
            return Err(CustomerError("Stripe answered 500".to_owned()));
        }
        self.forgotten.lock().unwrap().push(user);
        tokio::task::yield_now().await;
        Ok(())
    }
}

async fn step_of(store: &Store, user: UserId) -> String {
    let sql = format!("SELECT step FROM account_deletions WHERE user_id = '{user}'");
    store.texts(&sql).await.remove(0)
}

#[tokio::test]
async fn at_once_nobody_can_sign_in_and_nothing_is_on_its_way() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        let other = store.sign_up("bob@example.com").await;
        let wrong = store
            .accounts
            .delete_account(&Secret::new("not it"), &login)
            .await;
        assert_eq!(
            faults(wrong).at(ChangePasswordForm::current_password),
            Some(&FieldError::WrongPassword),
            "{engine:?}"
        );
        assert!(!store.accounts.is_deleted(login.user.id).await.unwrap());

        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login)
            .await
            .unwrap();
        assert_eq!(store.accounts.login(login.id).await.unwrap(), None, "{engine:?}");
        assert_eq!(store.count("logins WHERE ended_by = 'deleted'").await, 1);
        assert_eq!(
            store.accounts.owner_of_login(login.id).await.unwrap(),
            None,
            "late events are refused"
        );
        assert_eq!(store.events_of(login.user.id).await.len(), 0, "{engine:?}");
        assert_eq!(store.events_of(other.user.id).await.len(), 1, "bob's stay");
        let back = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await;
        assert_eq!(
            faults(back).at(Field::FORM),
            Some(&FieldError::WrongCredentials),
            "{engine:?}"
        );
        let again = store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login)
            .await;
        assert!(faults(again).at(ChangePasswordForm::current_password).is_some());
        assert!(store.accounts.is_deleted(login.user.id).await.unwrap());
        assert_eq!(
            store.subjects_to("ada@example.com").await,
            ["Your account is being deleted"]
        );
    }
}

#[tokio::test]
async fn then_billing_our_tables_and_amplitude_forget() {
    for engine in engines() {
        let (store, amplitude) = (Store::new(engine).await, Amplitude::start().await);
        let login = store.sign_up("ada@example.com").await;
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
            .delete_account(&Secret::new(PASSWORD), &login)
            .await
            .unwrap();

        let stripe = Arc::new(Stripe::default());
        deleter(&store, stripe.clone(), amplitude.eraser())
            .drain()
            .await
            .unwrap();
        assert_eq!(*stripe.forgotten.lock().unwrap(), [user], "{engine:?}");
        for table in ["users", "logins", "mail_tokens", "polls"] {
            let column = if table == "users" { "id" } else { "user_id" };
            assert_eq!(
                store.count(&format!("{table} WHERE {column} = '{user}'")).await,
                0,
                "{engine:?} {table}"
            );
        }
        assert_eq!(store.count("users").await, 1, "bob stays");
        let kept = format!("outbox WHERE lane = '{user}' AND (payload IS NOT NULL OR device_id IS NOT NULL)");
        assert_eq!(store.count(&kept).await, 0, "{engine:?}");
        assert_eq!(amplitude.events_of(user).await, 0, "{engine:?}");
        assert_eq!(amplitude.events_of(other.user.id).await, 1);
        assert_eq!(step_of(&store, user).await, "done");
        assert!(
            store.accounts.is_deleted(user).await.unwrap(),
            "still known, for late webhooks"
        );
        assert_eq!(
            store.subjects_to("ada@example.com").await,
            ["Your account is being deleted"]
        );
        store.sign_up("ada@example.com").await;
    }
}

#[tokio::test]
async fn a_step_that_fails_is_tried_until_it_works_and_the_next_ones_wait() {
    for engine in engines() {
        let (store, amplitude) = (Store::new(engine).await, Amplitude::start().await);
        let login = store.sign_up("ada@example.com").await;
        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login)
            .await
            .unwrap();
        let stripe = Arc::new(Stripe::default());
        stripe.failures.store(3, Ordering::SeqCst);
        for wait in [0, 5_000, 10_000] {
            store.clock.advance(wait);
            // Another process each time.
            deleter(&store, stripe.clone(), amplitude.eraser())
                .drain()
                .await
                .unwrap();
            assert_eq!(step_of(&store, login.user.id).await, "billing", "{engine:?}");
            assert_eq!(
                store.count("users").await,
                1,
                "the customer is found by the account"
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
        assert_eq!(stripe.forgotten.lock().unwrap().len(), 0, "{engine:?}: too soon");
        store.clock.advance(1);
        deleter(&store, stripe.clone(), amplitude.eraser())
            .drain()
            .await
            .unwrap();
        assert_eq!(step_of(&store, login.user.id).await, "done", "{engine:?}");
    }
}

#[tokio::test]
async fn amplitude_that_is_away_is_asked_when_it_is_back() {
    for engine in engines() {
        let (store, amplitude) = (Store::new(engine).await, Amplitude::start().await);
        let login = store.sign_up("ada@example.com").await;
        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login)
            .await
            .unwrap();
        let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let away = Amplitude {
            url: format!("http://{}", nowhere.local_addr().unwrap()),
        };
        drop(nowhere);
        deleter(&store, Arc::new(Stripe::default()), away.eraser())
            .drain()
            .await
            .unwrap();
        assert_eq!(step_of(&store, login.user.id).await, "amplitude", "{engine:?}");
        assert_eq!(store.count("users").await, 0, "what is ours is gone");
        store.clock.advance(DAY);
        deleter(&store, Arc::new(Stripe::default()), amplitude.eraser())
            .drain()
            .await
            .unwrap();
        assert_eq!(step_of(&store, login.user.id).await, "done", "{engine:?}");
    }
}

#[tokio::test]
async fn without_a_secret_key_nobody_can_be_asked_and_that_is_noted() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let login = store.sign_up("ada@example.com").await;
        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login)
            .await
            .unwrap();
        let mut config = Config::read(|_| None).unwrap().amplitude;
        config.secret_key = None;
        let eraser = AmplitudeEraser::new(&config).unwrap();
        deleter(&store, Arc::new(Stripe::default()), eraser)
            .drain()
            .await
            .unwrap();
        let [note] = &store
            .texts("SELECT last_error FROM account_deletions WHERE step = 'done'")
            .await[..]
        else {
            panic!("done")
        };
        assert!(note.contains("AMPLITUDE_SECRET_KEY"), "{engine:?}: {note}");
    }
}

#[tokio::test]
async fn four_servers_do_each_step_once() {
    for engine in engines() {
        let (store, amplitude) = (Store::new(engine).await, Amplitude::start().await);
        for n in 0..6 {
            let login = store.sign_up(&format!("ada.{n}@example.com")).await;
            store
                .accounts
                .delete_account(&Secret::new(PASSWORD), &login)
                .await
                .unwrap();
        }
        let stripe = Arc::new(Stripe::default());
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let deleter = deleter(&store, stripe.clone(), amplitude.eraser());
                tokio::spawn(async move { deleter.drain().await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(stripe.forgotten.lock().unwrap().len(), 6, "{engine:?}");
        assert_eq!(store.count("account_deletions WHERE step = 'done'").await, 6);
        assert_eq!(store.count("users").await, 0);
    }
}

#[tokio::test]
async fn the_links_of_an_account_that_goes_are_worthless() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        let secret: LinkSecret = store
            .link_in("ada@example.com", "Confirm your e-mail address")
            .await;
        store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login)
            .await
            .unwrap();
        let late = store.accounts.verify_email(&secret, None, &visitor()).await;
        assert_eq!(
            faults(late).at(Field::FORM),
            Some(&FieldError::LinkSpent),
            "{engine:?}"
        );
        store
            .accounts
            .ask_for_reset(&forms::Email::parse("ada@example.com").unwrap(), &visitor())
            .await
            .unwrap();
        store.deliver_mails().await;
        assert_eq!(
            store.count("mails WHERE state = 'dropped'").await,
            1,
            "{engine:?}"
        );
    }
}
