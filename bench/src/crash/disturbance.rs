//! Applies a plan to the processes: kills the app and changes the collector's mode.

use tokio::sync::watch;
use tokio::time::sleep;

use super::collector::CollectorClient;
use super::plan::{CollectorMode, CrashPlan};
use super::visitor::VisitorProgress;
use super::{CHECK_INTERVAL, CrashError};
use crate::process::{Process, ProcessError};

/// Kills and restarts the app as planned, until the visitors are done. Returns the number of kills; fails when the app
/// exits between them.
pub(super) async fn kill_app(
    app: &mut Process,
    plan: &CrashPlan,
    progress: &VisitorProgress,
) -> Result<usize, CrashError> {
    progress.is_app_up.send_replace(true);
    for kill in &plan.kills {
        wait_for_value(app, progress.answered.subscribe(), |answered| {
            *answered >= kill.after_answers
        })
        .await?;
        progress.is_app_up.send_replace(false);
        app.kill().await?;
        app.spawn()?;
        if kill.again_while_starting {
            app.wait_until_listening().await?;
            app.kill().await?;
            app.spawn()?;
        }
        app.wait_until_ready().await?;
        progress.is_app_up.send_replace(true);
    }
    wait_for_value(app, progress.are_visitors_done.subscribe(), |is_done| *is_done).await?;
    Ok(plan.number_of_kills())
}

/// Waits until the value satisfies the condition; fails when the app exits before.
async fn wait_for_value<T>(
    app: &mut Process,
    mut value: watch::Receiver<T>,
    condition: impl FnMut(&T) -> bool,
) -> Result<(), ProcessError> {
    tokio::select! {
        // The sender outlives the run, so this cannot fail.
        _ = value.wait_for(condition) => Ok(()),
        exited = app.wait_for_exit() => Err(exited),
    }
}

/// Changes the collector's mode as planned, and returns to normal when the visitors are done. Returns the number of
/// outages.
pub(super) async fn change_collector_modes(
    collector: &mut Process,
    client: &CollectorClient,
    plan: &CrashPlan,
    seed: u64,
    progress: &VisitorProgress,
) -> Result<usize, CrashError> {
    // Guarantees one duplicate delivery in each run: the first upload is accepted and its answer is lost.
    client.set_faults(&CollectorMode::first_answer_lost()).await?;
    while !client.has_lost_an_answer().await? {
        sleep(CHECK_INTERVAL).await;
    }
    let mut outages = 0;
    let mut answered = progress.answered.subscribe();
    for (number, change) in (0_u64..).zip(&plan.mode_changes) {
        // The sender outlives the run, so this cannot fail.
        let _ = answered
            .wait_for(|answered| *answered >= change.after_answers)
            .await;
        collector.ensure_ready().await?;
        match change.mode.faults(seed ^ number) {
            Some(faults) => client.set_faults(&faults).await?,
            None => {
                client.set_faults(&CollectorMode::no_faults()).await?;
                collector.terminate().await?;
                outages += 1;
            }
        }
    }
    let mut visitors_done = progress.are_visitors_done.subscribe();
    let _ = visitors_done.wait_for(|is_done| *is_done).await;
    collector.ensure_ready().await?;
    client.set_faults(&CollectorMode::no_faults()).await?;
    Ok(outages)
}
