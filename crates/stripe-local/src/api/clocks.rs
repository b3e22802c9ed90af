//! The endpoints for test clocks.

use super::list::list_page;
use crate::{
    api_error::{ApiError, ApiResult},
    billing::period::DAY_SECS,
    engine::Operation,
    form::Params,
    records::TestClockRecord,
    render,
};

/// Stripe deletes a test clock after this time. The stand-in shows the date, but keeps the clock.
const DELETED_AFTER_DAYS: i64 = 7;

pub(super) fn create(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let created = operation.wall_secs();
    let frozen_time = params
        .timestamp("frozen_time")?
        .ok_or_else(|| ApiError::missing_parameter("frozen_time"))?;
    let clock = TestClockRecord {
        id: operation.records.new_id("clock"),
        created,
        deletes_after: created + DELETED_AFTER_DAYS * DAY_SECS,
        frozen_time,
        name: params.non_empty("name")?,
        advancing_to: None,
    };
    params.finish()?;
    let id = clock.id.clone();
    let object = render::test_clock(&clock);
    operation.records.put(clock);
    operation.emit_test_clock("test_helpers.test_clock.created", &id);
    Ok(object)
}

pub(super) fn retrieve(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::test_clock(&operation.find("testclock", id, "id")?))
}

pub(super) fn list(operation: &mut Operation<'_>, params: Params) -> ApiResult {
    list_page(
        operation,
        params,
        "/v1/test_helpers/test_clocks",
        None,
        |_: &TestClockRecord| true,
        |_, clock| render::test_clock(clock),
    )
}

pub(super) fn delete(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    operation.find::<TestClockRecord>("testclock", id, "id")?;
    operation.delete_test_clock(id);
    Ok(render::deleted("test_helpers.test_clock", id))
}

pub(super) fn advance(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let target = params
        .timestamp("frozen_time")?
        .ok_or_else(|| ApiError::missing_parameter("frozen_time"))?;
    params.finish()?;
    let clock = operation.find::<TestClockRecord>("testclock", id, "id")?;
    if target <= clock.frozen_time {
        return Err(ApiError::invalid_parameter(
            "frozen_time",
            "Test clocks can only be advanced forward in time.",
        ));
    }
    if target > operation.max_advance_to(&clock) {
        return Err(ApiError::invalid_parameter(
            "frozen_time",
            "You cannot advance a test clock more than two intervals of its shortest subscription (two years without one).",
        ));
    }
    // On Stripe an advance takes some time: the response has the status `advancing`. Here the clock is ready
    // immediately after.
    let on_its_way = render::test_clock(&TestClockRecord {
        advancing_to: Some(target),
        ..clock.clone()
    });
    operation.advance_test_clock(&clock, target)?;
    Ok(on_its_way)
}
