//! The loss meter: what browsers say they fired against what arrived.

use backend::loss::{Arrived, LossMeter, Whose};
use db::testing::engines;
use tracking::loss::{Fired, Loss, Share};
use tracking::{DeviceId, SessionId};

use crate::support::{DAY, NOW, Store};

fn session(ms: i64) -> SessionId {
    SessionId::from_ms(NOW + ms).unwrap()
}

fn fired(device: &str, at_ms: i64, events: u32, pages: u32) -> Fired {
    Fired {
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
async fn counts_grow_and_repeats_make_up_for_nothing() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let meter = LossMeter::new(store.test.db.clone(), store.clock.clone());
        let ada = store.sign_up("ada@example.com").await.user.id;
        // Before the sign-up and after it, in one session; an older count comes late.
        for (count, user) in [
            (fired("device-0001", 0, 0, 1), None),
            (fired("device-0001", 0, 2, 5), Some(ada)),
            (fired("device-0001", 0, 1, 4), Some(ada)),
        ] {
            meter.fired(&count, session(0), user).await.unwrap();
        }
        // Another session of the same device, before anybody was known, and the device of somebody else.
        for count in [fired("device-0001", -9, 0, 2), fired("device-0002", 0, 1, 1)] {
            meter.fired(&count, count.session, None).await.unwrap();
        }
        let arrived = Arrived {
            events: 3,
            pages: 4,
            of_sdk: 1,
        };
        let first = fired("device-0001", 0, 0, 0);
        meter
            .arrived(&first.device, first.session, arrived)
            .await
            .unwrap();
        let expected = Loss {
            sessions: 2,
            events: share(2, 2),
            pages: share(7, 4),
            sessions_of_sdk: 1,
        };
        assert_eq!(meter.of(&Whose::User(ada)).await.unwrap(), expected, "{engine:?}");
        let device = Whose::Device(first.device.clone());
        assert_eq!(
            meter.of(&device).await.unwrap().pages,
            share(2, 0),
            "{engine:?}: a device shows nothing of whoever signed in there"
        );
        let all = meter.of(&Whose::All).await.unwrap();
        assert_eq!((all.sessions, all.counted()), (3, share(11, 6)), "{engine:?}");
    }
}

#[tokio::test]
async fn an_earlier_sessions_count_goes_on_and_does_not_begin() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let meter = LossMeter::new(store.test.db.clone(), store.clock.clone());
        assert_eq!(
            meter.of(&Whose::All).await.unwrap(),
            Loss::default(),
            "{engine:?}"
        );
        let late = fired("device-0001", -60_000, 5, 5);
        meter.fired(&late, session(0), None).await.unwrap();
        let of_nobody = Arrived {
            events: 1,
            ..Arrived::default()
        };
        meter
            .arrived(&late.device, late.session, of_nobody)
            .await
            .unwrap();
        assert_eq!(
            meter.of(&Whose::All).await.unwrap(),
            Loss::default(),
            "{engine:?}"
        );
        let count = fired("device-0001", 0, 1, 1);
        meter.fired(&count, session(0), None).await.unwrap();
        let more = fired("device-0001", 0, 1, 2);
        meter.fired(&more, session(60_000), None).await.unwrap();
        let all = meter.of(&Whose::All).await.unwrap();
        assert_eq!((all.sessions, all.pages), (1, share(2, 0)), "{engine:?}");
        store.clock.advance(DAY + 1);
        assert_eq!(meter.prune(1).await.unwrap(), 1, "{engine:?}");
    }
}
