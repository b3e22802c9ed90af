//! Test clocks.

use super::list::page;
use crate::{
    billing::period::DAY,
    engine::Work,
    failure::{Answer, Failure},
    form::Params,
    render,
    world::TestClock,
};

/// Stripe deletes a test clock after so many days; here it stays, and says the same.
const KEPT_DAYS: i64 = 7;

pub(super) fn create(work: &mut Work<'_>, mut params: Params) -> Answer {
    let created = work.wall();
    let frozen_time = params
        .moment("frozen_time")?
        .ok_or_else(|| Failure::missing_parameter("frozen_time"))?;
    let clock = TestClock {
        id: work.world.mint("clock"),
        created,
        deletes_after: created + KEPT_DAYS * DAY,
        frozen_time,
        name: params.filled("name")?,
        advancing_to: None,
    };
    params.finish()?;
    let id = clock.id.clone();
    let object = render::test_clock(&clock);
    work.world.put(clock);
    work.emit_clock("test_helpers.test_clock.created", &id);
    Ok(object)
}

pub(super) fn retrieve(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(render::test_clock(&work.find("testclock", id, "id")?))
}

pub(super) fn list(work: &mut Work<'_>, params: Params) -> Answer {
    page(
        work,
        params,
        "/v1/test_helpers/test_clocks",
        |_: &TestClock| true,
        |_, clock| render::test_clock(clock),
    )
}

pub(super) fn delete(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    work.find::<TestClock>("testclock", id, "id")?;
    work.delete_clock(id);
    Ok(render::deleted("test_helpers.test_clock", id))
}

pub(super) fn advance(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let target = params
        .moment("frozen_time")?
        .ok_or_else(|| Failure::missing_parameter("frozen_time"))?;
    params.finish()?;
    let clock = work.find::<TestClock>("testclock", id, "id")?;
    if target <= clock.frozen_time {
        return Err(Failure::parameter(
            "frozen_time",
            "Test clocks can only be advanced forward in time.",
        ));
    }
    if target > work.farthest(&clock) {
        return Err(Failure::parameter(
            "frozen_time",
            "You cannot advance a test clock more than two intervals of its shortest subscription (two years without one).",
        ));
    }
    // On Stripe this takes a while: the answer shows the clock on its way, the next look shows it there.
    let on_its_way = render::test_clock(&TestClock {
        advancing_to: Some(target),
        ..clock.clone()
    });
    work.advance(&clock, target)?;
    Ok(on_its_way)
}
