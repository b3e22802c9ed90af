//! Routes of the disturbance lab, for its page and for programs. Only in local mode.
//!
//! | request | response |
//! |---|---|
//! | `GET /lab/results` | each disturbance: its texts, its state, and the result of its last run |
//! | `POST /lab/runs` `{"run": "<name>"}` or `{"run": "all"}` | 202 and the same; 409: a run is under way; 404: no such disturbance |
//! | `POST /lab` `run=<name>` | the page's form |
//! | `GET /lab/live` | server-sent events: a message after each change of the lab's state |
//!
//! The lab itself is the crate `lab`; its page is `app::lab`.

use app::lab::{Disturbance, LabForm, LabState, Outcome, RunState, StartAnswer};
use axum::extract::{Extension, Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use lab::{Lab, LabBusyError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::feeds::Message;
use crate::router::LabRoutes;
use crate::state::AppState;

/// Name of the run of all disturbances.
const ALL: &str = "all";

/// The body of `POST /lab/runs`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunRequest {
    run: String,
}

/// One disturbance in the JSON of `GET /lab/results`.
#[derive(Debug, Serialize)]
struct DisturbanceReport {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    expect: &'static str,
    /// `idle`, `waiting`, or the current step.
    #[serde(rename = "stands")]
    status: String,
    /// `None`: it was not run yet.
    clean: Option<bool>,
    last: Option<Outcome>,
}

#[derive(Debug, Serialize)]
struct LabReport {
    running: bool,
    disturbances: Vec<DisturbanceReport>,
}

/// The routes of this lab.
pub(crate) fn routes(lab: &Lab) -> LabRoutes {
    let extension = || Extension(lab.clone());
    let programs = Router::new()
        .route("/lab/runs", post(start_run))
        .route("/lab/results", get(results));
    LabRoutes {
        mutations: Router::new().route("/lab", post(run_form)).layer(extension()),
        programs: programs.layer(extension()),
        feeds: Router::new().route("/lab/live", get(live)).layer(extension()),
    }
}

fn report_of(state: &LabState) -> LabReport {
    let report = |disturbance: Disturbance| {
        let (stand, last) = state.of(disturbance);
        DisturbanceReport {
            name: disturbance.name(),
            title: disturbance.title(),
            description: disturbance.describes(),
            expect: disturbance.expect(),
            status: match stand {
                RunState::Idle => "idle".to_owned(),
                RunState::Waiting => "waiting".to_owned(),
                RunState::Running(step) => step,
            },
            clean: last.as_ref().map(Outcome::is_clean),
            last,
        }
    };
    LabReport {
        running: state.is_busy(),
        disturbances: Disturbance::ALL.into_iter().map(report).collect(),
    }
}

/// `GET /lab/results`
async fn results(Extension(lab): Extension<Lab>) -> Response {
    let report = report_of(&lab.watch().borrow());
    Json(report).into_response()
}

/// `POST /lab/runs`
async fn start_run(Extension(lab): Extension<Lab>, Json(request): Json<RunRequest>) -> Response {
    match start(&lab, &request.run) {
        StartAnswer::Started => {
            let report = report_of(&lab.watch().borrow());
            (StatusCode::ACCEPTED, Json(report)).into_response()
        }
        StartAnswer::Busy => {
            let error = json!({"error": LabBusyError.to_string()});
            (StatusCode::CONFLICT, Json(error)).into_response()
        }
        StartAnswer::Unknown => {
            let names: Vec<&str> = Disturbance::ALL.into_iter().map(Disturbance::name).collect();
            let error = json!({"error": "there is no such disturbance", "run": names});
            (StatusCode::NOT_FOUND, Json(error)).into_response()
        }
    }
}

/// `POST /lab`
async fn run_form(Extension(lab): Extension<Lab>, Form(form): Form<LabForm>) -> Redirect {
    let answered = start(&lab, &form.run);
    Redirect::to(&format!("/lab?said={}", answered.as_str()))
}

fn start(lab: &Lab, name: &str) -> StartAnswer {
    let started = match (name, Disturbance::parse(name)) {
        (ALL, _) => lab.start(&Disturbance::ALL),
        (_, Some(disturbance)) => lab.start(&[disturbance]),
        (_, None) => return StartAnswer::Unknown,
    };
    match started {
        Ok(()) => StartAnswer::Started,
        Err(LabBusyError) => StartAnswer::Busy,
    }
}

/// `GET /lab/live`: one message at the start, so that no change between page and feed is missed, and one after each change.
async fn live(State(state): State<AppState>, Extension(lab): Extension<Lab>) -> Response {
    let mut watched = lab.watch();
    watched.mark_changed();
    let changes = futures::stream::unfold(watched, |mut watched| async move {
        watched.changed().await.ok()?;
        watched.borrow_and_update();
        let message = Message {
            id: None,
            data: "changed".to_owned(),
        };
        Some((message, watched))
    });
    state.feeds.respond(changes)
}
