//! Who may look: the one place that says so, for pages, server functions and forms alike.

use backend::accounts::Login;
use leptos::prelude::ServerFnError;

use crate::document;
use crate::visit::{self, Visit};

/// Whether this visitor is an operator: in local mode, where everything is on this machine, whoever uses it; elsewhere an
/// account whose verified address is in `ADMIN_EMAILS`.
pub fn may_operate(visit: &Visit) -> bool {
    let admin = |login: &Login| visit.backend.is_admin(&login.user);
    operates(visit.backend.local_mode, visit.login.as_ref().is_some_and(admin))
}

/// See [`may_operate`].
const fn operates(local_mode: bool, admin: bool) -> bool {
    local_mode || admin
}

/// The visit, if it is an operator's. For anybody else the function is answered as one that is not there.
pub(super) fn operator() -> Result<Visit, ServerFnError> {
    match visit::current() {
        Some(visit) if may_operate(&visit) => Ok(visit),
        _ => {
            document::answer_not_found();
            Err(ServerFnError::new("There is no such function."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_operates() {
        for (local_mode, admin, expected) in [
            (true, false, true),
            (true, true, true),
            (false, true, true),
            (false, false, false),
        ] {
            assert_eq!(operates(local_mode, admin), expected, "{local_mode} {admin}");
        }
    }
}
