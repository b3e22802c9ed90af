//! Server functions of polls, and the verb that making one shares with the form post.

use forms::PollForm;
use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use serde::{Deserialize, Serialize};
use tracking::{InsertId, PollCreated};
use uuid::Uuid;

use crate::forms::Answer;
use crate::tracking::SeamClient;

/// A poll in its owner's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollSummary {
    /// The poll's ID.
    pub id: Uuid,
    /// What is asked.
    pub question: String,
    /// What can be answered.
    pub options: Vec<String>,
    /// Whether a voter may choose several.
    pub multiple_choice: bool,
}

/// Makes a poll. `id` names the form: sent twice, it makes one poll. Answers with the event that the browser fires now
/// that the server has said yes.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn create_poll(form: PollForm, id: Uuid) -> Result<Answer<PollCreated>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(verbs::create(&visit, &form, id).await.into())
}

/// The person's polls, newest first; `None` when nobody is signed in.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn my_polls() -> Result<Option<Vec<PollSummary>>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    verbs::mine(&visit).await
}

/// The insert ID of the event that a poll was made: the same whichever page tells of it.
pub(super) fn told_as(poll: Uuid) -> InsertId {
    InsertId::of("poll-created", poll)
}

/// The same for a server function and for a form post.
#[cfg(feature = "ssr")]
pub mod verbs {
    use forms::{Faults, Field, PollForm, Problem};
    use leptos::prelude::ServerFnError;
    use tracking::PollCreated;
    use uuid::Uuid;

    use super::PollSummary;
    use crate::visit::{self, Visit};

    /// Makes a poll; the event that says so.
    pub async fn create(visit: &Visit, form: &PollForm, id: Uuid) -> Result<PollCreated, Faults> {
        let login = visit
            .login
            .as_ref()
            .ok_or_else(|| Faults::one(Field::Form, Problem::SignedOut))?;
        let draft = form.check()?;
        let made = visit.backend.polls.create(login.user.id, &draft, id).await;
        let poll = made.map_err(|error| visit::internal(&error))?;
        let created = PollCreated {
            poll_id: poll.id,
            option_count: u32::try_from(poll.options.len()).unwrap_or(u32::MAX),
            multiple_choice: poll.multiple_choice,
            has_closing_time: false,
        };
        // The page may be gone before it hears of this.
        visit.confirm(super::told_as(poll.id), created.clone());
        Ok(created)
    }

    pub(super) async fn mine(visit: &Visit) -> Result<Option<Vec<PollSummary>>, ServerFnError> {
        let Some(login) = &visit.login else {
            return Ok(None);
        };
        let polls = visit.backend.polls.of(login.user.id).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot list polls");
            ServerFnError::new("The polls cannot be read right now.")
        })?;
        let summary = |poll: backend::polls::Poll| PollSummary {
            id: poll.id,
            question: poll.question,
            options: poll.options,
            multiple_choice: poll.multiple_choice,
        };
        Ok(Some(polls.into_iter().map(summary).collect()))
    }
}
