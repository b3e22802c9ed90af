//! Reads the user's data for the download.

use backend::Export;
use forms::FieldErrors;

use crate::request::{self, RequestContext};

/// The user's data, for the download. `None` if no user is signed in. A failure is logged here.
pub async fn export(context: &RequestContext) -> Result<Option<Export>, FieldErrors> {
    let Some(login) = &context.login else {
        return Ok(None);
    };
    let export = context.backend.export(login).await;
    export.map(Some).map_err(|error| request::internal(&error))
}
