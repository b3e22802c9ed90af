//! The commands of the binary besides `serve`. They return text; `main` prints it.

mod check_config;
mod database;
mod health;
mod operators;
mod stripe;
mod verdict;

pub use check_config::{ConfigReport, check_config, refused_config};
pub use database::{back_up, migrate, restore};
pub use health::{HealthError, health};
pub use operators::{OperatorCommandError, accounts, add_operator, list_operators, remove_operator};
pub use stripe::{ReplayCommandError, SinceError, replay_webhooks, set_up_stripe};
pub use verdict::{VerdictError, verdict, verdict_text};
