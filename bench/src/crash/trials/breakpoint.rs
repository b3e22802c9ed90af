//! A breakpoint at which a message waits until the app is dead.
//!
//! It decides which message waits. It does not forward messages: see `proxies`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::plan::{KillPoint, KillTiming, TrialKill};

/// The breakpoint that all proxies share. At most one kill is armed.
#[derive(Clone, Default)]
pub(super) struct Breakpoint(Arc<Mutex<Option<ArmedKill>>>);

/// A kill that waits for its message.
struct ArmedKill {
    kill: TrialKill,
    /// Number of matching messages that pass before.
    remaining: u64,
    hit: oneshot::Sender<()>,
    killed: oneshot::Receiver<()>,
}

/// A message has reached the breakpoint.
pub(super) struct BreakpointHit {
    pub(super) timing: KillTiming,
    hit: oneshot::Sender<()>,
    killed: oneshot::Receiver<()>,
}

/// The side of the breakpoint that kills the app.
pub(super) struct KillTrigger {
    hit: oneshot::Receiver<()>,
    killed: oneshot::Sender<()>,
}

impl Breakpoint {
    /// Arms the breakpoint for a kill.
    pub(super) fn arm(&self, kill: TrialKill) -> KillTrigger {
        let (hit, trigger_hit) = oneshot::channel();
        let (trigger_killed, killed) = oneshot::channel();
        *self.lock() = Some(ArmedKill {
            kill,
            remaining: kill.nth.saturating_sub(1),
            hit,
            killed,
        });
        KillTrigger {
            hit: trigger_hit,
            killed: trigger_killed,
        }
    }

    /// Counts a message if its kill point matches; returns the hit and disarms the breakpoint if it is the awaited one.
    pub(super) fn check(&self, matches: impl FnOnce(KillPoint) -> bool) -> Option<BreakpointHit> {
        let mut slot = self.lock();
        let armed = slot.as_mut().filter(|armed| matches(armed.kill.point))?;
        if armed.remaining > 0 {
            armed.remaining -= 1;
            return None;
        }
        let armed = slot.take()?;
        Some(BreakpointHit {
            timing: armed.kill.timing,
            hit: armed.hit,
            killed: armed.killed,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<ArmedKill>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BreakpointHit {
    /// Reports the hit and waits until the app is dead.
    pub(super) async fn wait_until_killed(self) {
        let _ = self.hit.send(());
        let _ = self.killed.await;
    }
}

impl KillTrigger {
    /// Waits until the message has reached the breakpoint.
    pub(super) async fn wait_for_hit(&mut self) {
        // The sender is dropped only with the proxies.
        let _ = (&mut self.hit).await;
    }

    /// Releases the waiting message after the app is dead.
    pub(super) fn release(self) {
        // The receiver is gone when the app was the sender of the message.
        let _ = self.killed.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_messages_pass_and_the_breakpoint_is_hit_once() {
        let breakpoint = Breakpoint::default();
        let _trigger = breakpoint.arm(TrialKill {
            point: KillPoint::Webhook,
            nth: 2,
            timing: KillTiming::AfterAnswer,
        });
        let check = |seen: KillPoint| breakpoint.check(|point| point == seen);
        assert!(check(KillPoint::SubscriptionRead).is_none());
        assert!(check(KillPoint::Webhook).is_none());
        assert!(check(KillPoint::Webhook).is_some());
        assert!(breakpoint.check(|_| true).is_none());
    }
}
