//! Probes. They set no cookie and extend no session.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use backend::operations::{TaskState, TaskStatus};
use http::StatusCode;
use serde::Serialize;

use crate::state::AppState;

/// `GET /livez`: the process answers.
pub async fn live() -> &'static str {
    "ok"
}

#[derive(Serialize)]
struct Readiness {
    /// The server ends soon. The load balancer must send no more requests.
    stopping: bool,
    database: bool,
    /// Whether events reach Amplitude. Not a reason to take the server out of service: the outbox keeps them.
    delivery: &'static str,
    /// `running`, `restarting` or `failed`, by task.
    tasks: BTreeMap<&'static str, &'static str>,
}

/// `GET /readyz`: 200 when the database answers, no background task has failed and the server does not stop, else 503.
pub async fn ready(State(state): State<AppState>) -> Response {
    let database = state.db.ping().await.is_ok();
    let paused = state.delivery.borrow().is_paused(state.backend.clock.now_ms());
    let tasks = state.tasks.statuses();
    let stopping = state.draining.is_cancelled();
    let body = Readiness {
        stopping,
        database,
        delivery: if paused { "paused" } else { "ok" },
        tasks: tasks
            .iter()
            .map(|task| (task.name, task.state.as_str()))
            .collect(),
    };
    (status(stopping, database, &tasks), Json(body)).into_response()
}

/// A task that is being restarted is no reason to take the server out of service; one that keeps crashing is.
fn status(stopping: bool, database: bool, tasks: &[TaskStatus]) -> StatusCode {
    if !stopping && database && tasks.iter().all(|task| task.state != TaskState::Failed) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_and_a_failed_task_make_the_server_unready() {
        use TaskState::{Failed, Restarting, Running};
        let tasks = |states: &[TaskState]| -> Vec<TaskStatus> {
            let task = |state: &TaskState| TaskStatus {
                name: "mail",
                state: *state,
                crashes: 1,
                last_crash_ms: None,
            };
            states.iter().map(task).collect()
        };
        for (stopping, database, states, ready) in [
            (false, true, vec![], true),
            (false, true, vec![Running, Restarting], true),
            (false, true, vec![Running, Failed], false),
            (false, false, vec![Running], false),
            (true, true, vec![Running], false),
        ] {
            let found = status(stopping, database, &tasks(&states));
            assert_eq!(found == StatusCode::OK, ready, "{stopping} {database} {states:?}");
        }
    }
}
