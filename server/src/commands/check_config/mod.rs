//! `seamline check-config`: tests the settings against the services that they name. It sends no event and no mail, and
//! changes nothing. `probes` ask, `findings` decide.

mod findings;
mod probes;

use std::fmt;

use backend::config::{Config, ConfigError};

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckLevel {
    Ok,
    /// The server works, and a part of it may not.
    Warning,
    /// The setting must be changed.
    Error,
}

impl CheckLevel {
    fn line(self, setting: &'static str, text: impl Into<String>) -> CheckLine {
        CheckLine {
            level: self,
            setting,
            text: text.into(),
        }
    }
}

/// The finding on one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CheckLine {
    level: CheckLevel,
    setting: &'static str,
    /// What was found, and for a warning or an error what to do. It contains no secret.
    text: String,
}

impl fmt::Display for CheckLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            CheckLevel::Ok => "ok",
            CheckLevel::Warning => "warning",
            CheckLevel::Error => "error",
        };
        write!(f, "{level:<8} {}: {}", self.setting, self.text)
    }
}

/// The findings, one on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigReport(Vec<CheckLine>);

impl ConfigReport {
    /// Whether a setting must be changed.
    pub fn has_error(&self) -> bool {
        self.0.iter().any(|line| line.level == CheckLevel::Error)
    }
}

impl fmt::Display for ConfigReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// The finding on settings that a server does not start with. The error names the first one.
pub fn refused_config(error: &ConfigError) -> ConfigReport {
    ConfigReport(vec![CheckLevel::Error.line("settings", error.to_string())])
}

/// Tests the settings. All services are asked at the same time; it takes 20 s at most.
pub async fn check_config(config: &Config) -> ConfigReport {
    crate::startup::install_crypto();
    let (database, stripe, amplitude, smtp) = tokio::join!(
        probes::database(&config.data),
        probes::stripe(config),
        probes::amplitude(&config.amplitude),
        probes::smtp(&config.mail),
    );
    let mut lines = probes::this_machine(&config.http);
    lines.push(database);
    lines.extend(stripe);
    lines.extend(amplitude);
    lines.push(smtp);
    ConfigReport(lines)
}
