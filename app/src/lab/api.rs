//! Reading the lab's board.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::board::Board;
use crate::tracking::SeamClient;

/// How the lab stands; `None` where there is none.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_lab() -> Result<Option<Board>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(visit.lab.as_ref().map(|board| board.borrow().clone()))
}
