//! A test outbox: a database, a movable clock, a sink in memory, and a dispatcher.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use db::testing::TestDb;
use db::{Db, Engine};
use outbox::{
    Dispatcher, DispatcherSettings, MemorySink, MillisClock, OutboxEntry, Sink, enqueue, events_of,
};
use tracking::server::SignInCompleted;
use tracking::{DeviceId, IdSource, PresentIds, ServerEvent, SessionId, UserId};
use uuid::Uuid;

pub(crate) const NOW: i64 = 1_795_435_200_000;
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const DAY: i64 = 24 * 60 * 60 * SECOND;

/// A clock that stands still until a test advances it.
#[derive(Clone)]
pub(crate) struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW)))
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> MillisClock {
        let now = self.0.clone();
        Arc::new(move || now.load(Ordering::SeqCst))
    }
}

/// Settings without jitter, so that every wait is exact.
pub(crate) fn settings() -> DispatcherSettings {
    DispatcherSettings {
        jitter: || 1.0,
        ..DispatcherSettings::default()
    }
}

pub(crate) struct Outbox {
    pub(crate) test: TestDb,
    pub(crate) clock: ManualClock,
    pub(crate) sink: MemorySink,
    pub(crate) dispatcher: Dispatcher,
}

impl Outbox {
    pub(crate) async fn new(engine: Engine) -> Self {
        let (test, clock, sink) = (TestDb::new(engine).await, ManualClock::new(), MemorySink::new());
        let dispatcher = Dispatcher::new(test.db.clone(), Arc::new(sink.clone()), clock.clock(), settings());
        Self {
            test,
            clock,
            sink,
            dispatcher,
        }
    }

    /// A dispatcher of another process on the same outbox.
    pub(crate) fn second_dispatcher(&self, sink: impl Sink + 'static) -> Dispatcher {
        Dispatcher::new(
            self.test.db.clone(),
            Arc::new(sink),
            self.clock.clock(),
            settings(),
        )
    }

    pub(crate) fn db(&self) -> &Db {
        &self.test.db
    }

    /// Writes one event per listed user, numbered from 1.
    pub(crate) async fn fill(&self, users: &[u128]) {
        for (number, user) in (1..).zip(users) {
            write(self.db(), user_id(*user), number).await;
        }
    }

    pub(crate) async fn entry(&self, user: u128, number: u128) -> OutboxEntry {
        let entries = events_of(self.db(), user_id(user), 100).await.unwrap();
        entries
            .into_iter()
            .find(|entry| entry.insert_id == insert_id(number))
            .unwrap()
    }

    /// Numbers of the accepted events, in order of arrival.
    pub(crate) fn received_numbers(&self) -> Vec<u128> {
        self.sink
            .received()
            .iter()
            .map(|delivery| number_of(&delivery.insert_id))
            .collect()
    }
}

pub(crate) fn user_id(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

pub(crate) fn insert_id(number: u128) -> String {
    format!("sign-in:{}", Uuid::from_u128(number))
}

pub(crate) fn number_of(insert_id: &str) -> u128 {
    Uuid::parse_str(insert_id.strip_prefix("sign-in:").unwrap())
        .unwrap()
        .as_u128()
}

pub(crate) fn sign_in(user: UserId, number: u128) -> ServerEvent {
    let ids = PresentIds::Live {
        device: DeviceId::from_uuid(Uuid::from_u128(7)),
        session: SessionId::starting_at(NOW),
        source: IdSource::ServerSession,
        context: Box::default(),
    };
    let event = SignInCompleted {
        login: Uuid::from_u128(number),
        signed_in_at: "2026-11-23T12:00:00Z".to_owned(),
        first_touch: None,
    };
    ServerEvent::present(user, &event, ids, NOW)
}

pub(crate) async fn write(db: &Db, user: UserId, number: u128) {
    let mut tx = db.write().await.unwrap();
    enqueue(&mut tx, &sign_in(user, number), NOW).await.unwrap();
    tx.commit().await.unwrap();
}
