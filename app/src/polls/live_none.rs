//! The server renders what is there; nothing changes while it does.

use leptos::prelude::*;
use uuid::Uuid;

use super::model::PollView;

/// Does nothing here.
pub fn follow(_id: Uuid, _poll: RwSignal<PollView>) {}
