//! The loss meter: sent events against arrived events.

use backend::loss::{ArrivedCounts, LossMeter, LossScope};
use db::testing::engines;
use tracking::loss::{FiredCount, Loss, Share};
use tracking::{DeviceId, SessionId};

use crate::support::{DAY, NOW, Store};

fn session(ms: i64) -> SessionId {
    SessionId::from_ms(NOW + ms).unwrap()
}

fn fired(device: &str, at_ms: i64, events: u32, pages: u32) -> FiredCount {
    FiredCount {
        device: DeviceId::parse(device).unwrap(),
        session: session(at_ms),
        events,
        pages,
    }
}

const fn share(fired: u64, arrived: u64) -> Share {
    Share { fired, arrived }
}

#[tokio::test]
async fn counts_only_grow_and_repeats_do_not_count() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let meter = LossMeter::new(store.test.db.clone(), store.clock.clone());
        let ada = store.sign_up("ada@example.com").await.user.id;
        // Before and after the sign-up in one session. An older count arrives late.
        for (count, user) in [
            (fired("device-0001", 0, 0, 1), None),
            (fired("device-0001", 0, 2, 5), Some(ada)),
            (fired("device-0001", 0, 1, 4), Some(ada)),
        ] {
            meter.record_fired(&count, session(0), user);
        }
        // An earlier anonymous session of the same device, and another device.
        for count in [fired("device-0001", -9, 0, 2), fired("device-0002", 0, 1, 1)] {
            meter.record_fired(&count, count.session, None);
        }
        let arrived = ArrivedCounts {
            events: 3,
            pages: 4,
            sdk_events: 1,
        };
        let first = fired("device-0001", 0, 0, 0);
        meter.record_arrived(&first.device, first.session, arrived);
        let expected = Loss {
            sessions: 2,
            events: share(2, 2),
            pages: share(7, 4),
            sessions_of_sdk: 1,
        };
        assert_eq!(
            meter.loss(&LossScope::User(ada)).await.unwrap(),
            expected,
            "{engine:?}"
        );
        let device = LossScope::Device(first.device.clone());
        assert_eq!(
            meter.loss(&device).await.unwrap().pages,
            share(2, 0),
            "{engine:?}: a device shows no signed-in sessions"
        );
        let all = meter.loss(&LossScope::All).await.unwrap();
        assert_eq!((all.sessions, all.counted()), (3, share(11, 6)), "{engine:?}");
    }
}

#[tokio::test]
async fn a_count_of_an_earlier_session_is_raised_but_not_created() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let meter = LossMeter::new(store.test.db.clone(), store.clock.clone());
        assert_eq!(
            meter.loss(&LossScope::All).await.unwrap(),
            Loss::default(),
            "{engine:?}"
        );
        let late = fired("device-0001", -60_000, 5, 5);
        meter.record_fired(&late, session(0), None);
        let uncounted = ArrivedCounts {
            events: 1,
            ..ArrivedCounts::default()
        };
        meter.record_arrived(&late.device, late.session, uncounted);
        assert_eq!(
            meter.loss(&LossScope::All).await.unwrap(),
            Loss::default(),
            "{engine:?}"
        );
        let count = fired("device-0001", 0, 1, 1);
        meter.record_fired(&count, session(0), None);
        let more = fired("device-0001", 0, 1, 2);
        meter.record_fired(&more, session(60_000), None);
        let all = meter.loss(&LossScope::All).await.unwrap();
        assert_eq!((all.sessions, all.pages), (1, share(2, 0)), "{engine:?}");
        store.clock.advance(30 * DAY);
        assert_eq!(store.sweep().await, 0, "{engine:?}");
        store.clock.advance(1);
        assert_eq!(store.sweep().await, 1, "{engine:?}");
    }
}
