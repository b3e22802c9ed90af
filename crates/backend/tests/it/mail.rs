//! Tests of the mail queue: mails are committed with their change and delivered once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use backend::mail::{MailTransport, OutgoingMail, SendError, Sender};
use db::testing::engines;

use crate::support::{DAY, MINUTE, Store, sign_up, visitor};

/// Accepts and counts every mail.
#[derive(Default)]
struct CountingTransport(AtomicUsize);

#[async_trait]
impl MailTransport for CountingTransport {
    async fn send(&self, _mail: &OutgoingMail) -> Result<(), SendError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// Never returns.
struct HangingTransport;

#[async_trait]
impl MailTransport for HangingTransport {
    async fn send(&self, _mail: &OutgoingMail) -> Result<(), SendError> {
        std::future::pending().await
    }
}

fn sender(store: &Store, transport: Arc<dyn MailTransport>) -> Sender {
    Sender::new(
        store.test.db.clone(),
        store.clock.clone(),
        transport,
        "https://demo.example".parse().unwrap(),
        store.accounts.mail_wakeup(),
    )
}

#[tokio::test]
async fn a_sign_up_that_fails_writes_no_mail() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        let taken = store
            .accounts
            .sign_up(sign_up("ADA@example.com"), &visitor())
            .await;
        assert!(taken.is_err());
        assert_eq!(store.count("mails").await, 1, "{engine:?}");
        assert_eq!(
            store.subjects_to("ada@example.com").await,
            ["Confirm your email address"]
        );
    }
}

#[tokio::test]
async fn four_senders_deliver_each_mail_once() {
    for engine in engines() {
        let store = Store::new(engine).await;
        for n in 0..20 {
            store.sign_up(&format!("ada.{n}@example.com")).await;
        }
        let counter = Arc::new(CountingTransport::default());
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender(&store, counter.clone());
                tokio::spawn(async move { sender.drain().await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(counter.0.load(Ordering::SeqCst), 20, "{engine:?}");
        assert_eq!(store.count("mails WHERE state = 'sent'").await, 20);
        assert_eq!(store.number("SELECT MAX(attempts) FROM mails").await, 1);
    }
}

#[tokio::test]
async fn after_a_crash_a_mail_is_sent_when_the_lease_ends() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        let crashing = sender(&store, Arc::new(HangingTransport));
        let task = tokio::spawn(async move { crashing.drain().await });
        while store.count("mails_lanes WHERE lease_owner IS NOT NULL").await == 0 {
            tokio::task::yield_now().await;
        }
        task.abort();

        let counter = Arc::new(CountingTransport::default());
        store.clock.advance(2 * MINUTE);
        sender(&store, counter.clone()).drain().await.unwrap();
        assert_eq!(
            counter.0.load(Ordering::SeqCst),
            0,
            "{engine:?}: the lease has not ended"
        );
        store.clock.advance(MINUTE);
        sender(&store, counter.clone()).drain().await.unwrap();
        assert_eq!(counter.0.load(Ordering::SeqCst), 1, "{engine:?}");
    }
}

/// Panics at mails to this address.
struct PanickingTransport {
    poison: &'static str,
    sent: AtomicUsize,
}

#[async_trait]
impl MailTransport for PanickingTransport {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendError> {
        assert_ne!(mail.recipient, self.poison, "expected in this test");
        self.sent.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn a_mail_whose_attempts_panic_is_parked_and_does_not_stop_the_others() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        store.sign_up("bob@example.com").await;
        let transport = Arc::new(PanickingTransport {
            poison: "ada@example.com",
            sent: AtomicUsize::new(0),
        });
        let sender = sender(&store, transport.clone());
        sender.drain().await.unwrap();
        assert_eq!(transport.sent.load(Ordering::SeqCst), 1, "{engine:?}: bob's");
        for _ in 0..3 {
            store.clock.advance(60 * MINUTE);
            sender.drain().await.unwrap();
        }
        let parked =
            "SELECT parked_reason FROM mails WHERE state = 'parked' AND attempts = 3 AND recipient IS NULL";
        assert_eq!(store.texts(parked).await, ["panicked"], "{engine:?}");
        assert_eq!(store.count("mails WHERE state = 'sent'").await, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn no_table_contains_the_secret_of_a_link() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        let recording = Arc::new(RecordingTransport::default());
        sender(&store, recording.clone()).drain().await.unwrap();
        let url = recording.0.lock().unwrap().clone().unwrap();
        let secret = url.rsplit('/').next().unwrap();
        assert_eq!(secret.len(), 64);
        for column in ["secret_hash", "id", "email"] {
            let stored = store
                .texts(&format!("SELECT {column} FROM mail_tokens"))
                .await
                .join(" ");
            assert!(!stored.contains(secret), "{engine:?}: {column}");
        }
        assert_eq!(
            store
                .count("mails WHERE letter IS NOT NULL OR detail IS NOT NULL")
                .await,
            0
        );
    }
}

/// Records the link of the last mail.
#[derive(Default)]
struct RecordingTransport(std::sync::Mutex<Option<String>>);

#[async_trait]
impl MailTransport for RecordingTransport {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendError> {
        *self.0.lock().unwrap() = mail.content.action.as_ref().map(|action| action.url.clone());
        Ok(())
    }
}

#[tokio::test]
async fn old_mails_and_links_are_deleted() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        store.deliver_mails().await;
        store.clock.advance(30 * DAY);
        store.sweep().await;
        assert_eq!(
            (store.count("mails").await, store.count("mail_tokens").await),
            (1, 1),
            "{engine:?}"
        );
        store.clock.advance(4 * DAY);
        store.sweep().await;
        assert_eq!(
            (store.count("mails").await, store.count("mail_tokens").await),
            (0, 0),
            "{engine:?}"
        );
    }
}
