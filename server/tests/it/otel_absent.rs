//! In place of `otel.rs` without the feature: no traces are exported.

use server::telemetry::Traces;
use tokio::process::Command;

pub const fn traces() -> Option<&'static Traces> {
    None
}

#[tokio::test]
async fn a_program_without_the_feature_says_that_it_exports_no_traces() {
    for (endpoint, is_warned) in [("http://127.0.0.1:4318", true), ("", false)] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_seamline"));
        program
            .arg("health")
            .env_clear()
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        let log = program.output().await.unwrap().stderr;
        let log = String::from_utf8_lossy(&log);
        assert_eq!(
            log.contains("built without the feature `otel`"),
            is_warned,
            "{endpoint:?}: {log}"
        );
    }
}
