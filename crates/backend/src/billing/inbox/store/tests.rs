use db::Db;
use db::testing::{TestDb, engines};

use super::{Lease, NewWebhook, acquire, insert, release, renew, verify};

const OURS: Lease<'_> = Lease {
    lane: "cus_1",
    owner: "us",
};
const THEIRS: Lease<'_> = Lease {
    lane: "cus_1",
    owner: "them",
};

/// A database with one lane.
async fn with_a_lane(test: &TestDb) -> Db {
    let mut tx = test.db.write().await.unwrap();
    let webhook = NewWebhook {
        event_id: "evt_1",
        lane: OURS.lane,
        event_type: "customer.subscription.created",
        payload: "{}",
        now_ms: 0,
    };
    assert!(insert(&mut tx, &webhook).await.unwrap());
    tx.commit().await.unwrap();
    test.db.clone()
}

async fn acquired(db: &Db, lease: Lease<'_>, now_ms: i64, until_ms: i64) -> bool {
    let mut tx = db.write().await.unwrap();
    let acquired = acquire(&mut tx, lease, now_ms, until_ms).await.unwrap();
    tx.commit().await.unwrap();
    acquired
}

async fn renewed(db: &Db, lease: Lease<'_>, now_ms: i64, until_ms: i64) {
    let mut tx = db.write().await.unwrap();
    renew(&mut tx, lease, now_ms, until_ms).await.unwrap();
    tx.commit().await.unwrap();
}

async fn verified(db: &Db, lease: Lease<'_>, now_ms: i64) -> bool {
    let mut tx = db.write().await.unwrap();
    verify(&mut tx, lease, now_ms).await.unwrap()
}

#[tokio::test]
async fn a_lease_is_exclusive_until_it_expires_or_is_released() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let db = with_a_lane(&test).await;
        assert!(acquired(&db, OURS, 0, 30).await, "{engine:?}: free");
        assert!(!acquired(&db, THEIRS, 29, 60).await, "{engine:?}: we own it");
        assert!(
            acquired(&db, OURS, 29, 40).await,
            "{engine:?}: the owner renews it"
        );
        assert!(verified(&db, OURS, 39).await, "{engine:?}");
        assert!(!verified(&db, OURS, 40).await, "{engine:?}: expired");
        assert!(!verified(&db, THEIRS, 39).await, "{engine:?}: we own it");
        let mut tx = db.write().await.unwrap();
        release(&mut tx, OURS).await.unwrap();
        tx.commit().await.unwrap();
        assert!(acquired(&db, THEIRS, 30, 60).await, "{engine:?}: released");
    }
}

#[tokio::test]
async fn a_renewal_extends_a_valid_lease_only() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let db = with_a_lane(&test).await;
        assert!(acquired(&db, OURS, 0, 30).await, "{engine:?}");
        renewed(&db, OURS, 10, 40).await;
        assert!(!acquired(&db, THEIRS, 30, 60).await, "{engine:?}: renewed");
        renewed(&db, THEIRS, 30, 90).await;
        assert!(
            !verified(&db, OURS, 40).await,
            "{engine:?}: only the owner can renew it"
        );
        renewed(&db, OURS, 40, 70).await;
        assert!(
            !verified(&db, OURS, 41).await,
            "{engine:?}: an expired lease is not renewed"
        );
        assert!(acquired(&db, THEIRS, 41, 71).await, "{engine:?}");
        renewed(&db, OURS, 42, 99).await;
        assert!(
            verified(&db, THEIRS, 42).await,
            "{engine:?}: another lease is not changed"
        );
        assert!(!verified(&db, THEIRS, 71).await, "{engine:?}");
    }
}
