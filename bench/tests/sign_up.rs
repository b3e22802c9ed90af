//! A short form of `bench sign-up`, which counts the events of its sign-ups.

use bench::sign_up::{self, SignUpSettings};
use db::Engine;

#[tokio::test(flavor = "multi_thread")]
async fn sign_ups_with_and_without_tracking_are_measured() {
    let settings = SignUpSettings {
        engine: Engine::Sqlite,
        requests: 1,
        concurrency: 4,
    };
    let table = sign_up::run(&settings).await.expect("every request is answered");
    assert!(table.to_string().contains("with tracking"), "{table}");
}
