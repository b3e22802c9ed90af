//! Who is an operator. Pages and actions ask here.

use backend::accounts::Login;

use crate::visit::Visit;

/// Whether this visitor is an operator. In local mode every visitor is. Elsewhere an operator is an account whose verified
/// address is in `ADMIN_EMAILS`.
pub fn may_operate(visit: &Visit) -> bool {
    let admin = |login: &Login| visit.backend.is_admin(&login.user);
    is_operator(visit.backend.local_mode, visit.login.as_ref().is_some_and(admin))
}

/// See [`may_operate`].
const fn is_operator(local_mode: bool, admin: bool) -> bool {
    local_mode || admin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_admins_and_all_visitors_of_local_mode() {
        for (local_mode, admin, expected) in [
            (true, false, true),
            (true, true, true),
            (false, true, true),
            (false, false, false),
        ] {
            assert_eq!(is_operator(local_mode, admin), expected, "{local_mode} {admin}");
        }
    }
}
