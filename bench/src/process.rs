//! A program of ours as a process that is killed and started again.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use reqwest::Client;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// The slowest start: an unoptimised build on a busy machine.
const START: Duration = Duration::from_secs(60);
/// The slowest end: open requests are finished first.
const STOP: Duration = Duration::from_secs(30);
/// Between two looks at whether it is ready.
const LOOK: Duration = Duration::from_millis(10);
/// What an error repeats of the log.
const TAIL_LINES: usize = 20;

/// Why a program is not running.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The executable could not be started.
    #[error("cannot start {}: {error}; build it first: cargo build --package server --package amplitude-local --package stripe-local", program.display())]
    Spawn {
        /// The executable.
        program: PathBuf,
        /// The system's word.
        error: std::io::Error,
    },
    /// It ended, and nobody had killed it.
    #[error("{name} ended by itself ({status}); its log ends:\n{log}")]
    Ended {
        /// The program.
        name: &'static str,
        /// How.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// It does not answer.
    #[error("{name} is not ready after {} s; its log ends:\n{log}", START.as_secs())]
    NotReady {
        /// The program.
        name: &'static str,
        /// The end of its log.
        log: String,
    },
    /// It was asked to end.
    #[error("{name} does not end within {} s of SIGTERM; its log ends:\n{log}", STOP.as_secs())]
    Stays {
        /// The program.
        name: &'static str,
        /// The end of its log.
        log: String,
    },
    /// It could not be killed, or looked at.
    #[error("cannot handle the process of {name}: {error}")]
    Handle {
        /// The program.
        name: &'static str,
        /// The system's word.
        error: std::io::Error,
    },
}

/// How a program is started. Its environment is what stands here and nothing else.
pub(crate) struct Process {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, OsString)>,
    /// Its working directory.
    pub(crate) folder: PathBuf,
    /// Where it writes; later runs append.
    pub(crate) log: PathBuf,
    pub(crate) address: SocketAddr,
    /// What answers 200 once it is ready.
    pub(crate) ready_path: &'static str,
    pub(crate) client: Client,
    pub(crate) child: Option<Child>,
}

impl Process {
    /// One that has not been started. It works in `folder` and logs there, panics with their traces.
    pub(crate) fn new(
        name: &'static str,
        program: &Path,
        address: SocketAddr,
        ready_path: &'static str,
        folder: &Path,
        client: &Client,
    ) -> Self {
        Self {
            name,
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: vec![("RUST_BACKTRACE", "1".into()), ("RUST_LOG", "info".into())],
            folder: folder.to_owned(),
            log: folder.join(format!("{name}.log")),
            address,
            ready_path,
            client: client.clone(),
            child: None,
        }
    }

    /// Lines of its log that speak of a panic.
    pub(crate) fn panics(&self) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines()
            .filter(|line| line.contains("panicked at"))
            .map(str::to_owned)
            .collect()
    }

    /// Its process ID, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Starts it, and does not wait. It dies with us.
    pub(crate) fn spawn(&mut self) -> Result<(), ProcessError> {
        let spawn = || {
            let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
            Command::new(&self.program)
                .args(&self.arguments)
                .env_clear()
                .envs(self.environment.iter().cloned())
                .current_dir(&self.folder)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .kill_on_drop(true)
                .spawn()
        };
        let child = spawn().map_err(|error| ProcessError::Spawn {
            program: self.program.clone(),
            error,
        })?;
        self.child = Some(child);
        Ok(())
    }

    /// `kill -9`, and waits until it is gone. One that had ended before is an error.
    pub(crate) async fn kill(&mut self) -> Result<(), ProcessError> {
        self.is_alive()?;
        if let Some(mut child) = self.child.take() {
            child.kill().await.map_err(|error| self.cannot_handle(error))?;
        }
        Ok(())
    }

    /// Starts it if it was stopped, and waits until it answers.
    pub(crate) async fn is_there(&mut self) -> Result<(), ProcessError> {
        if self.child.is_none() {
            self.spawn()?;
        }
        self.ready().await
    }

    /// Ends it as an operator would, by SIGTERM, and waits until it is gone.
    pub(crate) async fn stop(&mut self) -> Result<(), ProcessError> {
        self.is_alive()?;
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        if let Some(id) = child.id() {
            // The shell's own: no signal but SIGKILL can be sent without unsafe code or a library for it.
            let terminate = Command::new("sh")
                .args(["-c", &format!("kill -TERM {id}")])
                .status();
            terminate.await.map_err(|error| self.cannot_handle(error))?;
        }
        match timeout(STOP, child.wait()).await {
            Ok(waited) => waited.map(drop).map_err(|error| self.cannot_handle(error)),
            Err(_) => Err(ProcessError::Stays {
                name: self.name,
                log: tail(&self.log),
            }),
        }
    }

    /// Resolves when it has ended by itself.
    pub(crate) async fn ended(&mut self) -> ProcessError {
        let Some(child) = &mut self.child else {
            return std::future::pending().await;
        };
        match child.wait().await {
            Ok(status) => ProcessError::Ended {
                name: self.name,
                status,
                log: tail(&self.log),
            },
            Err(error) => self.cannot_handle(error),
        }
    }

    /// Waits until it has its port, which it may have long before it answers.
    pub(crate) async fn listening(&mut self) -> Result<(), ProcessError> {
        let address = self.address;
        self.wait(async || TcpStream::connect(address).await.is_ok())
            .await
    }

    /// Waits until it answers.
    pub(crate) async fn ready(&mut self) -> Result<(), ProcessError> {
        let (client, url) = (
            self.client.clone(),
            format!("http://{}{}", self.address, self.ready_path),
        );
        self.wait(async || {
            client
                .get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        })
        .await
    }

    async fn wait(&mut self, is_so: impl AsyncFn() -> bool) -> Result<(), ProcessError> {
        let deadline = Instant::now() + START;
        while !is_so().await {
            self.is_alive()?;
            if Instant::now() > deadline {
                return Err(ProcessError::NotReady {
                    name: self.name,
                    log: tail(&self.log),
                });
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// # Errors
    /// When it has ended by itself.
    pub(crate) fn is_alive(&mut self) -> Result<(), ProcessError> {
        let ended = self
            .child
            .as_mut()
            .map(Child::try_wait)
            .transpose()
            .map_err(|error| self.cannot_handle(error))?;
        match ended.flatten() {
            Some(status) => Err(ProcessError::Ended {
                name: self.name,
                status,
                log: tail(&self.log),
            }),
            None => Ok(()),
        }
    }

    fn cannot_handle(&self, error: std::io::Error) -> ProcessError {
        ProcessError::Handle {
            name: self.name,
            error,
        }
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
