//! Server functions of polls. What they do stands in `verbs`, which the form posts call as well.

use forms::{PollForm, VoteForm};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use uuid::Uuid;

use super::model::{ActionForm, Ballot, Desk, ExportFile, ListView, Mine, OwnPoll, Told, Voted};
use crate::forms::Answer;
use crate::tracking::SeamClient;

/// Makes a poll. `id` names the form: sent twice, it makes one poll. Answers with the event that the browser fires now
/// that the server has said yes.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn create_poll(form: PollForm, id: Uuid) -> Result<Answer<Told>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(super::verbs::create(&visit, &form, id).await.into())
}

/// Changes a poll; no event where there was nothing to change.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn edit_poll(poll: String, form: PollForm) -> Result<Answer<Option<Told>>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(super::verbs::edit(&visit, &poll, &form).await.into())
}

/// Closes, deletes or restores a poll.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn act_on_poll(form: ActionForm) -> Result<Answer<Told>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(super::verbs::act(&visit, &form).await.into())
}

/// The results of a poll as a file.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn export_poll(poll: String) -> Result<Answer<ExportFile>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(super::verbs::export(&visit, &poll).await.into())
}

/// Casts a vote, or changes it.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn cast_vote(poll: String, form: VoteForm) -> Result<Answer<Voted>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(super::verbs::vote(&visit, &poll, &form).await.into())
}

/// The person's polls of a state (`open`, `closed`, `deleted`; else all that are not deleted) that have `find` in their
/// question.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn my_polls(state: String, find: String) -> Result<Mine<ListView>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    super::verbs::mine(&visit, &state, &find).await
}

/// What the form for a new poll needs to know; `None` when nobody is signed in.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_desk() -> Result<Option<Desk>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    super::verbs::desk(&visit).await
}

/// A poll of one's own.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_own_poll(poll: String) -> Result<Mine<OwnPoll>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    super::verbs::own(&visit, &poll).await
}

/// A poll to vote on; `None`: there is none.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_ballot(poll: String) -> Result<Option<Ballot>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    super::verbs::ballot(&visit, &poll).await
}
