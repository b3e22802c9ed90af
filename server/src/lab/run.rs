//! Taking turns: one run at a time, since the switches are everybody's; each life with an end, and the switches put back
//! whatever becomes of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::lab::{Board, Disturbance, Outcome, Running, Story};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::life::scripted;
use super::stage::{Stage, Trouble};
use super::switches::Switches;
use super::walk::{Pace, Walk};

/// A life that takes longer has got stuck somewhere. The longest waits for half a minute's lease to run out.
const LONGEST: Duration = Duration::from_secs(180);

/// The lab. Cheap to clone; all clones are the same lab.
#[derive(Clone)]
pub struct Lab(Arc<Inner>);

struct Inner {
    stage: Stage,
    board: watch::Sender<Board>,
    /// Held while something is started, so that two never are.
    turn: Mutex<()>,
    runs: TaskTracker,
    stop: CancellationToken,
}

/// A run is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run is under way, and the stand-ins can only be disturbed by one")]
pub struct Busy;

impl Lab {
    /// Over this stage. A run that is under way ends early with `stop`.
    pub fn new(stage: Stage, stop: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            stage,
            board: watch::Sender::default(),
            turn: Mutex::default(),
            runs: TaskTracker::new(),
            stop,
        }))
    }

    /// Where the lives are lived.
    pub fn stage(&self) -> Stage {
        self.0.stage.clone()
    }

    /// How it stands, now and as it changes.
    pub fn watch(&self) -> watch::Receiver<Board> {
        self.0.board.subscribe()
    }

    /// Starts a run of these, one after another.
    ///
    /// # Errors
    /// Another one is under way.
    pub fn start(&self, wanted: &[Disturbance]) -> Result<(), Busy> {
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = wanted.iter().copied();
        if self.0.board.borrow().is_busy() {
            return Err(Busy);
        }
        let Some(first) = wanted.next() else { return Ok(()) };
        let waiting: Vec<Disturbance> = wanted.collect();
        self.0.board.send_modify(|board| {
            board.running = Some(begun(first));
            board.waiting.clone_from(&waiting);
        });
        let run = Run(self.clone());
        self.0.runs.spawn(async move {
            for disturbance in std::iter::once(first).chain(waiting) {
                run.one(disturbance).await;
            }
        });
        Ok(())
    }

    /// Waits until a run that was under way has put everything back, after `stop`.
    pub async fn ended(&self) {
        self.0.runs.close();
        self.0.runs.wait().await;
    }
}

fn begun(disturbance: Disturbance) -> Running {
    Running {
        disturbance,
        step: "turning the switches".to_owned(),
    }
}

/// A run under way. When it goes, however that may be, another one can be started.
struct Run(Lab);

impl Drop for Run {
    fn drop(&mut self) {
        self.0.0.board.send_modify(|board| {
            board.running = None;
            board.waiting.clear();
        });
    }
}

impl Run {
    /// One life under one disturbance; what came of it stands on the board then.
    async fn one(&self, disturbance: Disturbance) {
        let Inner {
            stage, board, stop, ..
        } = &*self.0.0;
        if stop.is_cancelled() {
            return;
        }
        board.send_modify(|board| {
            board.running = Some(begun(disturbance));
            board.waiting.retain(|waiting| *waiting != disturbance);
        });
        let clock = &stage.backend.clock;
        let began_ms = clock.now_ms();
        let lived = self.live(disturbance).await;
        let ended_at = clock.now_ms();
        let (stories, failed) = match lived {
            Ok(stories) => (stories, None),
            Err(reason) => {
                tracing::warn!(
                    disturbance = disturbance.name(),
                    "a scripted life failed: {reason}"
                );
                (
                    Vec::new(),
                    Some(format!("It was not lived to its end: {reason}.")),
                )
            }
        };
        let outcome = Outcome {
            ended_at,
            took_ms: ended_at - began_ms,
            stories,
            failed,
        };
        board.send_modify(|board| {
            board.results.insert(disturbance, outcome);
        });
    }

    async fn live(&self, disturbance: Disturbance) -> Result<Vec<Story>, String> {
        let Inner {
            stage, board, stop, ..
        } = &*self.0.0;
        let in_words = |trouble: Trouble| trouble.to_string();
        let switches = Switches::take(stage).await.map_err(in_words)?;
        let tell = |step: &'static str| {
            board.send_modify(|board| {
                if let Some(running) = &mut board.running {
                    step.clone_into(&mut running.step);
                }
            });
        };
        let walk = Walk::new(stage, &disturbance, &switches, Pace::Hurried, &tell);
        let living = async {
            let mut stories = Vec::new();
            for person in walk.live(&scripted(disturbance)).await? {
                stories.push(stage.story(&person).await?.into());
            }
            Ok(stories)
        };
        let lived = tokio::select! {
            lived = tokio::time::timeout(LONGEST, living) => match lived {
                Ok(lived) => lived.map_err(in_words),
                Err(_) => Err(format!("it took longer than {} seconds", LONGEST.as_secs())),
            },
            () = stop.cancelled() => Err("the server was stopped".to_owned()),
        };
        tell("putting the switches back");
        switches.put_back().await;
        lived
    }
}
