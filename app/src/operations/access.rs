//! Access of operators to pages and actions.

use crate::request::RequestContext;

/// Whether this visitor is an operator. In local mode every visitor is. Elsewhere an operator is an account that the command
/// `seamline operator add` has made one.
pub fn may_operate(context: &RequestContext) -> bool {
    let login = context.login.as_ref();
    context.backend.local_mode || login.is_some_and(|login| login.user.operator)
}
