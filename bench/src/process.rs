//! One of the project's programs as a child process that can be killed and restarted.

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

use crate::resources;

/// Longest start: an unoptimised build on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest shutdown: open requests are finished first.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Interval between two readiness checks.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// Number of log lines in an error.
const TAIL_LINES: usize = 20;

/// Why a program could not be started, stopped or observed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The executable could not be started.
    #[error("cannot start {}: {error}; build it first: cargo build --package server --package amplitude-local --package stripe-local", program.display())]
    Spawn {
        /// The executable.
        program: PathBuf,
        /// The operating system's error.
        error: std::io::Error,
    },
    /// The program exited although the run had not stopped it.
    #[error("{name} exited unexpectedly ({status}); its log ends:\n{log}")]
    Exited {
        /// The name of the program.
        name: &'static str,
        /// Its exit status.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// The program does not become ready.
    #[error("{name} is not ready after {} s; its log ends:\n{log}", START_TIMEOUT.as_secs())]
    NotReady {
        /// The name of the program.
        name: &'static str,
        /// The last lines of its log.
        log: String,
    },
    /// The program does not exit after SIGTERM.
    #[error("{name} does not exit within {} s of SIGTERM; its log ends:\n{log}", STOP_TIMEOUT.as_secs())]
    NotStopped {
        /// The name of the program.
        name: &'static str,
        /// The last lines of its log.
        log: String,
    },
    /// The operating system could not signal the process or report its state.
    #[error("cannot control the process of {name}: {error}")]
    Control {
        /// The name of the program.
        name: &'static str,
        /// The operating system's error.
        error: std::io::Error,
    },
}

/// A program and how it is started. It gets the variables of `environment` only.
pub(crate) struct Process {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, OsString)>,
    /// Its working directory.
    pub(crate) folder: PathBuf,
    /// Its log file; later starts append to it.
    pub(crate) log: PathBuf,
    pub(crate) address: SocketAddr,
    /// The path that answers 200 when the program is ready.
    pub(crate) ready_path: &'static str,
    pub(crate) client: Client,
    pub(crate) child: Option<Child>,
}

impl Process {
    /// Describes a program; does not start it. Its working directory and log are in `folder`; panics are logged with
    /// backtraces.
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

    /// Returns the log lines that report a panic.
    pub(crate) fn panics(&self) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines()
            .filter(|line| line.contains("panicked at"))
            .map(str::to_owned)
            .collect()
    }

    /// Returns the process ID while the program runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Returns the CPU time of the running program so far in s; 0 where the system does not show it.
    pub(crate) fn cpu_secs(&self) -> f64 {
        self.id().map_or(0.0, resources::cpu_secs)
    }

    /// Starts the program without waiting. It is killed when this value is dropped.
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

    /// Sends SIGKILL and waits for the exit. Fails when the program had already exited.
    pub(crate) async fn kill(&mut self) -> Result<(), ProcessError> {
        self.check_running()?;
        if let Some(mut child) = self.child.take() {
            child.kill().await.map_err(|error| self.control_error(error))?;
        }
        Ok(())
    }

    /// Starts the program if it is not running, and waits until it is ready.
    pub(crate) async fn ensure_ready(&mut self) -> Result<(), ProcessError> {
        if self.child.is_none() {
            self.spawn()?;
        }
        self.wait_until_ready().await
    }

    /// Sends SIGTERM and waits for the exit.
    pub(crate) async fn terminate(&mut self) -> Result<(), ProcessError> {
        self.check_running()?;
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        if let Some(id) = child.id() {
            self.signal("TERM", id).await?;
        }
        match timeout(STOP_TIMEOUT, child.wait()).await {
            Ok(waited) => waited.map(drop).map_err(|error| self.control_error(error)),
            Err(_) => Err(ProcessError::NotStopped {
                name: self.name,
                log: tail(&self.log),
            }),
        }
    }

    /// Sends SIGHUP: nginx reads its configuration again.
    pub(crate) async fn reload(&mut self) -> Result<(), ProcessError> {
        self.check_running()?;
        match self.id() {
            Some(id) => self.signal("HUP", id).await,
            None => Ok(()),
        }
    }

    /// The shell sends it: signals other than SIGKILL need unsafe code or another library here.
    async fn signal(&self, signal: &str, id: u32) -> Result<(), ProcessError> {
        let kill = Command::new("sh")
            .args(["-c", &format!("kill -{signal} {id}")])
            .status();
        kill.await.map(drop).map_err(|error| self.control_error(error))
    }

    /// Waits for an exit that the run did not cause, and returns it as an error. Pending while the program is stopped.
    pub(crate) async fn wait_for_exit(&mut self) -> ProcessError {
        let Some(child) = &mut self.child else {
            return std::future::pending().await;
        };
        match child.wait().await {
            Ok(status) => ProcessError::Exited {
                name: self.name,
                status,
                log: tail(&self.log),
            },
            Err(error) => self.control_error(error),
        }
    }

    /// Waits until the port accepts connections, which may be long before the program is ready.
    pub(crate) async fn wait_until_listening(&mut self) -> Result<(), ProcessError> {
        let address = self.address;
        self.wait_for(async || TcpStream::connect(address).await.is_ok())
            .await
    }

    /// Waits until the program is ready.
    pub(crate) async fn wait_until_ready(&mut self) -> Result<(), ProcessError> {
        let (client, url) = (
            self.client.clone(),
            format!("http://{}{}", self.address, self.ready_path),
        );
        self.wait_for(async || {
            client
                .get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        })
        .await
    }

    async fn wait_for(&mut self, condition: impl AsyncFn() -> bool) -> Result<(), ProcessError> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !condition().await {
            self.check_running()?;
            if Instant::now() > deadline {
                return Err(ProcessError::NotReady {
                    name: self.name,
                    log: tail(&self.log),
                });
            }
            sleep(CHECK_INTERVAL).await;
        }
        Ok(())
    }

    /// # Errors
    /// When the program has exited although the run had not stopped it.
    pub(crate) fn check_running(&mut self) -> Result<(), ProcessError> {
        let ended = self
            .child
            .as_mut()
            .map(Child::try_wait)
            .transpose()
            .map_err(|error| self.control_error(error))?;
        match ended.flatten() {
            Some(status) => Err(ProcessError::Exited {
                name: self.name,
                status,
                log: tail(&self.log),
            }),
            None => Ok(()),
        }
    }

    fn control_error(&self, error: std::io::Error) -> ProcessError {
        ProcessError::Control {
            name: self.name,
            error,
        }
    }
}

/// Returns the last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
