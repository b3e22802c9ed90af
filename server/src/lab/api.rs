//! The lab at the border, for its page and for programs. Mounted in local mode alone.
//!
//! | request | answer |
//! |---|---|
//! | `GET /lab/results` | every disturbance with what it does, what to expect, how it stands, and what came of it the last time |
//! | `POST /lab/runs` `{"run": "<name>"}` or `{"run": "all"}` | 202 and the same; 409: a run is under way; 404: no such disturbance |
//! | `POST /lab` `run=<name>` | the page's form |
//! | `GET /lab/live` | server-sent events: a message whenever the board changes |

use app::lab::{Answered, Board, Disturbance, LabForm, Outcome, Stand};
use axum::Json;
use axum::extract::{Extension, Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::run::{Busy, Lab};
use crate::http::feeds::{self, Message};
use crate::state::AppState;

/// What runs everything.
const ALL: &str = "all";

/// What a program asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    run: String,
}

/// One disturbance, as programs see it.
#[derive(Debug, Serialize)]
struct Bench {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    expect: &'static str,
    /// `idle`, `waiting`, or what is being done.
    stands: String,
    /// `None`: it was not run yet.
    clean: Option<bool>,
    last: Option<Outcome>,
}

#[derive(Debug, Serialize)]
struct Results {
    running: bool,
    disturbances: Vec<Bench>,
}

fn results_of(board: &Board) -> Results {
    let bench = |disturbance: Disturbance| {
        let (stand, last) = board.of(disturbance);
        Bench {
            name: disturbance.name(),
            title: disturbance.title(),
            description: disturbance.describes(),
            expect: disturbance.expect(),
            stands: match stand {
                Stand::Idle => "idle".to_owned(),
                Stand::Waiting => "waiting".to_owned(),
                Stand::Running(step) => step,
            },
            clean: last.as_ref().map(Outcome::is_clean),
            last,
        }
    };
    Results {
        running: board.is_busy(),
        disturbances: Disturbance::ALL.into_iter().map(bench).collect(),
    }
}

/// `GET /lab/results`
pub async fn results(Extension(lab): Extension<Lab>) -> Response {
    let results = results_of(&lab.watch().borrow());
    Json(results).into_response()
}

/// `POST /lab/runs`
pub async fn start(Extension(lab): Extension<Lab>, Json(wanted): Json<Wanted>) -> Response {
    match begin(&lab, &wanted.run) {
        Answered::Started => {
            let results = results_of(&lab.watch().borrow());
            (StatusCode::ACCEPTED, Json(results)).into_response()
        }
        Answered::Busy => (StatusCode::CONFLICT, Json(json!({"error": Busy.to_string()}))).into_response(),
        Answered::Unknown => {
            let names: Vec<&str> = Disturbance::ALL.into_iter().map(Disturbance::name).collect();
            let error = json!({"error": "there is no such disturbance", "run": names});
            (StatusCode::NOT_FOUND, Json(error)).into_response()
        }
    }
}

/// `POST /lab`
pub async fn run_form(Extension(lab): Extension<Lab>, Form(form): Form<LabForm>) -> Redirect {
    let answered = begin(&lab, &form.run);
    Redirect::to(&format!("/lab?said={}", answered.as_str()))
}

fn begin(lab: &Lab, wanted: &str) -> Answered {
    let started = match (wanted, Disturbance::parse(wanted)) {
        (ALL, _) => lab.start(&Disturbance::ALL),
        (_, Some(disturbance)) => lab.start(&[disturbance]),
        (_, None) => return Answered::Unknown,
    };
    match started {
        Ok(()) => Answered::Started,
        Err(Busy) => Answered::Busy,
    }
}

/// `GET /lab/live`: a message whenever the board changes, and one at the start, so that nothing is missed between page and
/// feed.
pub async fn live(State(state): State<AppState>, Extension(lab): Extension<Lab>) -> Response {
    let mut board = lab.watch();
    board.mark_changed();
    let changes = futures::stream::unfold(board, |mut board| async move {
        board.changed().await.ok()?;
        board.borrow_and_update();
        let message = Message {
            id: None,
            data: "changed".to_owned(),
        };
        Some((message, board))
    });
    feeds::respond(changes, &state.stop)
}
