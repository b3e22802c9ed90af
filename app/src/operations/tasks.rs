//! The background tasks of this server.

use backend::operations::{TaskState, TaskStatus};
use leptos::prelude::*;

use super::labels;
use super::parts::Time;

/// The state of each task, and its crashes.
#[component]
pub(super) fn TasksCard(
    /// The tasks, by name.
    tasks: Vec<TaskStatus>,
    now_ms: i64,
) -> impl IntoView {
    let healthy = tasks.iter().all(|task| task.state == TaskState::Running);
    let badge = match healthy {
        true => view! { <span class="badge server">"Healthy"</span> },
        false => view! { <span class="badge bad">"Degraded"</span> },
    };
    let rows = tasks.into_iter().map(|task| view! { <TaskRow task now_ms /> });
    view! {
        <section class="card operations-card" aria-labelledby="tasks">
            <header>
                <h2 id="tasks">"Background tasks of this server"</h2>
                {badge}
            </header>
            <ul class="operations-rows">{rows.collect_view()}</ul>
        </section>
    }
}

#[component]
fn TaskRow(task: TaskStatus, now_ms: i64) -> impl IntoView {
    let (class, label) = match task.state {
        TaskState::Running => ("badge server", "Running"),
        TaskState::Restarting => ("badge note", "Restarting"),
        TaskState::Failed => ("badge bad", "Failed"),
    };
    let crashes = task.last_crash_ms.map(|ms| {
        view! {
            <p class="operations-facts">
                <span>{labels::count(task.crashes, "crash")}</span>
                <span>"the last one " <Time ms now_ms /></span>
            </p>
        }
    });
    view! {
        <li data-task=task.name data-state=task.state.as_str()>
            <div class="operations-row">
                <h3 class="id">{task.name}</h3>
                <span class=class>{label}</span>
            </div>
            {crashes}
        </li>
    }
}
