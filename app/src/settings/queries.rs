//! What the user downloads.

use backend::Export;
use forms::FieldErrors;

use crate::visit::{self, Visit};

/// The user's data, for the download. `None` if no user is signed in. A failure is logged here.
pub async fn export(visit: &Visit) -> Result<Option<Export>, FieldErrors> {
    let Some(login) = &visit.login else {
        return Ok(None);
    };
    let export = visit.backend.export(login).await;
    export.map(Some).map_err(|error| visit::internal(&error))
}
