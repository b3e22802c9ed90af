//! Who is an operator. Pages and actions ask here.

use backend::accounts::Login;

use crate::request::RequestContext;

/// Whether this visitor is an operator. In local mode every visitor is. Elsewhere an operator is an account whose verified
/// address is in `ADMIN_EMAILS`.
pub fn may_operate(context: &RequestContext) -> bool {
    let admin = |login: &Login| context.backend.is_admin(&login.user);
    is_operator(
        context.backend.local_mode,
        context.login.as_ref().is_some_and(admin),
    )
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
