use db::Db;
use db::testing::{TestDb, engines};

use super::{Arrived, Lease, hold, insert, leave, prolong, take};

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
    let arrived = Arrived {
        event_id: "evt_1",
        lane: OURS.lane,
        event_type: "customer.subscription.created",
        payload: Some("{}"),
        now_ms: 0,
        pending: true,
    };
    assert!(insert(&mut tx, &arrived).await.unwrap());
    tx.commit().await.unwrap();
    test.db.clone()
}

async fn taken(db: &Db, lease: Lease<'_>, now_ms: i64, until_ms: i64) -> bool {
    let mut tx = db.write().await.unwrap();
    let taken = take(&mut tx, lease, now_ms, until_ms).await.unwrap();
    tx.commit().await.unwrap();
    taken
}

async fn prolonged(db: &Db, lease: Lease<'_>, now_ms: i64, until_ms: i64) {
    let mut tx = db.write().await.unwrap();
    prolong(&mut tx, lease, now_ms, until_ms).await.unwrap();
    tx.commit().await.unwrap();
}

async fn held(db: &Db, lease: Lease<'_>, now_ms: i64) -> bool {
    let mut tx = db.write().await.unwrap();
    hold(&mut tx, lease, now_ms).await.unwrap()
}

#[tokio::test]
async fn a_lane_is_somebodys_until_the_lease_ends_or_is_given_back() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let db = with_a_lane(&test).await;
        assert!(taken(&db, OURS, 0, 30).await, "{engine:?}: it is free");
        assert!(!taken(&db, THEIRS, 29, 60).await, "{engine:?}: it is ours");
        assert!(taken(&db, OURS, 29, 40).await, "{engine:?}: it stays ours");
        assert!(held(&db, OURS, 39).await, "{engine:?}");
        assert!(!held(&db, OURS, 40).await, "{engine:?}: the lease is over");
        assert!(!held(&db, THEIRS, 39).await, "{engine:?}: it is ours");
        let mut tx = db.write().await.unwrap();
        leave(&mut tx, OURS).await.unwrap();
        tx.commit().await.unwrap();
        assert!(taken(&db, THEIRS, 30, 60).await, "{engine:?}: it was given back");
    }
}

#[tokio::test]
async fn a_sign_of_life_makes_a_lease_longer_but_brings_none_back() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let db = with_a_lane(&test).await;
        assert!(taken(&db, OURS, 0, 30).await, "{engine:?}");
        prolonged(&db, OURS, 10, 40).await;
        assert!(!taken(&db, THEIRS, 30, 60).await, "{engine:?}: it is longer");
        prolonged(&db, THEIRS, 30, 90).await;
        assert!(!held(&db, OURS, 40).await, "{engine:?}: not by a stranger");
        prolonged(&db, OURS, 40, 70).await;
        assert!(!held(&db, OURS, 41).await, "{engine:?}: what ran out stays lost");
        assert!(taken(&db, THEIRS, 41, 71).await, "{engine:?}");
        prolonged(&db, OURS, 42, 99).await;
        assert!(held(&db, THEIRS, 42).await, "{engine:?}: theirs is untouched");
        assert!(!held(&db, THEIRS, 71).await, "{engine:?}");
    }
}
