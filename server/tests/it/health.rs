//! Probes.

use db::testing::engines;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn probes_are_quiet_and_tell_the_truth() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        for path in ["/livez", "/readyz"] {
            let answer = browser.open(path).await;
            assert_eq!(answer.status, 200, "{engine:?} {path}");
            assert!(answer.cookies.is_empty(), "{engine:?} {path}");
        }
        let ready = browser.open("/readyz").await.json();
        assert_eq!(ready, json!({"database": true, "delivery": "ok"}), "{engine:?}");
    }
}
