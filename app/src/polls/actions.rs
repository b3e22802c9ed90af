//! The actions of the forms of polls. Each calls one verb of the backend and returns the path to load next; the event of what was
//! done is confirmed with the answer, and the next document fires it.

use backend::polls::{PollError, results_csv};
use forms::{Field, FieldError, FieldErrors, PollForm, VoteForm};
use serde::Deserialize;
use tracking::{
    ClientEvent, InsertId, PollClosed, PollCreated, PollDeleted, PollEdited, PollRestored, UserId, VoteCast,
};
use uuid::Uuid;

use super::model::VoteAnswer;
use super::queries::poll_view;
use crate::document::form_id;
use crate::request::{self, RequestContext};

/// A button of an owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PollActionForm {
    /// The poll's ID.
    pub poll: String,
    /// `close`, `delete` or `restore`.
    pub action: String,
}

/// Makes a poll.
pub async fn create(context: RequestContext, form: PollForm) -> Result<String, FieldErrors> {
    let owner = signed_in(&context)?;
    let draft = form.check()?;
    let poll = context
        .backend
        .polls
        .create(owner, &draft, form_id(&form.form))
        .await
        .map_err(errors)?;
    let created = PollCreated {
        poll_id: poll.id,
        option_count: number(poll.options.len()),
        multiple_choice: poll.multiple_choice,
        has_closing_time: poll.closes_at_ms.is_some(),
    };
    context.confirm(InsertId::of("poll-created", poll.id), created);
    Ok("/polls?done=created".to_owned())
}

/// Changes a poll.
pub async fn edit(context: RequestContext, form: PollForm) -> Result<String, FieldErrors> {
    let owner = signed_in(&context)?;
    let draft = form.check()?;
    let id = poll_id(&form.poll)?;
    let edited = context.backend.polls.edit(owner, id, &draft).await;
    let poll = edited.map_err(errors)?.poll;
    // Nothing changed, nothing to report.
    if poll.edits > 0 {
        let event = PollEdited {
            poll_id: poll.id,
            option_count: number(poll.options.len()),
            multiple_choice: poll.multiple_choice,
            has_closing_time: poll.closes_at_ms.is_some(),
        };
        let which = format_args!("{}:{}", poll.id, poll.edits);
        context.confirm(InsertId::of("poll-edited", which), event);
    }
    Ok(format!("/polls/{id}?done=edited"))
}

/// Closes, deletes or restores a poll from its own page.
pub async fn manage(context: RequestContext, form: PollActionForm) -> Result<String, FieldErrors> {
    let id = act(&context, &form).await?;
    Ok(match form.action.as_str() {
        "delete" => format!("/polls?deleted={id}"),
        "close" => format!("/polls/{id}?done=closed"),
        _ => format!("/polls/{id}?done=restored"),
    })
}

/// Restores a poll from the list.
pub async fn manage_in_list(context: RequestContext, form: PollActionForm) -> Result<String, FieldErrors> {
    act(&context, &form).await?;
    Ok("/polls?done=restored".to_owned())
}

async fn act(context: &RequestContext, form: &PollActionForm) -> Result<Uuid, FieldErrors> {
    let owner = signed_in(context)?;
    let poll_id = poll_id(&form.poll)?;
    let polls = &context.backend.polls;
    let (insert_id, event): (InsertId, ClientEvent) = match form.action.as_str() {
        "close" => {
            let closed = polls.close(owner, poll_id).await.map_err(errors)?;
            let event = PollClosed {
                poll_id,
                vote_count: closed.voters,
            };
            (InsertId::of("poll-closed", poll_id), event.into())
        }
        "delete" => {
            let deleted = polls.delete(owner, poll_id).await.map_err(errors)?;
            let event = PollDeleted {
                poll_id,
                vote_count: deleted.voters,
            };
            let which = format_args!("{poll_id}:{}", deleted.deletions);
            (InsertId::of("poll-deleted", which), event.into())
        }
        "restore" => {
            let restored = polls.restore(owner, poll_id).await.map_err(errors)?;
            let which = format_args!("{poll_id}:{}", restored.deletions);
            let event = PollRestored { poll_id };
            (InsertId::of("poll-restored", which), event.into())
        }
        // No button of ours sends anything else.
        _ => return Err(FieldErrors::one(Field::FORM, FieldError::NoSuchPoll)),
    };
    context.confirm(insert_id, event);
    Ok(poll_id)
}

/// A file to download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvFile {
    /// What to call it.
    pub name: String,
    /// Comma-separated values.
    pub text: String,
}

/// The results of a poll as a file. The event is fired by the link that was clicked.
pub async fn export(context: &RequestContext, poll: &str) -> Result<CsvFile, FieldErrors> {
    let owner = signed_in(context)?;
    let results = context
        .backend
        .polls
        .export(owner, poll_id(poll)?)
        .await
        .map_err(errors)?;
    Ok(CsvFile {
        name: format!("poll-{}.csv", results.poll.id),
        text: results_csv(&results),
    })
}

/// Casts a vote, or changes it, by a form post.
pub async fn vote(context: RequestContext, form: VoteForm) -> Result<String, FieldErrors> {
    cast(&context, &form).await?;
    Ok(format!("/p/{}", poll_id(&form.poll)?))
}

/// Casts a vote, or changes it, for an island that stays on the page.
pub(super) async fn answer_vote(context: &RequestContext, form: &VoteForm) -> VoteAnswer {
    let refused = |errors: &FieldErrors| {
        let sentence = errors
            .at(Field::FORM)
            .or_else(|| errors.at(VoteForm::choice))
            .unwrap_or(&FieldError::Internal);
        VoteAnswer::Refused(sentence.to_string())
    };
    let (event, insert_id) = match cast(context, form).await {
        Ok(cast) => cast,
        Err(errors) => return refused(&errors),
    };
    match context.backend.polls.results(event.poll_id).await {
        Ok(Some(results)) => VoteAnswer::Cast {
            event: event.into(),
            insert_id,
            poll: poll_view(&results, context.backend.clock.now_ms()),
        },
        Ok(None) => VoteAnswer::Refused(FieldError::NoSuchPoll.to_string()),
        Err(error) => refused(&errors(error)),
    }
}

async fn cast(context: &RequestContext, form: &VoteForm) -> Result<(VoteCast, InsertId), FieldErrors> {
    let poll_id = poll_id(&form.poll)?;
    let draft = form.check()?;
    let voter = context.voter().ok_or_else(|| {
        // The answer brings the cookie; a browser that keeps it votes with the next try.
        context.offer_voter_token();
        FieldErrors::one(Field::FORM, FieldError::NoVoterCookie)
    })?;
    context.count_vote()?;
    let cast = context
        .backend
        .polls
        .vote(poll_id, &voter, &draft)
        .await
        .map_err(errors)?;
    let event = VoteCast {
        poll_id,
        choice_count: number(cast.choices.len()),
        changed: cast.changes > 0,
    };
    let insert_id = InsertId::of("vote-cast", format_args!("{}:{}", cast.vote, cast.changes));
    // The page may be gone before it hears of this.
    context.confirm(insert_id.clone(), event.clone());
    Ok((event, insert_id))
}

fn signed_in(context: &RequestContext) -> Result<UserId, FieldErrors> {
    let login = context.login.as_ref();
    login
        .map(|login| login.user.id)
        .ok_or_else(|| FieldErrors::one(Field::FORM, FieldError::SignedOut))
}

fn poll_id(poll: &str) -> Result<Uuid, FieldErrors> {
    Uuid::parse_str(poll).map_err(|_| FieldErrors::one(Field::FORM, FieldError::NoSuchPoll))
}

fn errors(error: PollError) -> FieldErrors {
    match error {
        PollError::FieldErrors(errors) => errors,
        error => request::internal(&error),
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
