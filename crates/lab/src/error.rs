//! Why a scenario could not be completed.

use http_browser::BrowserError;

use crate::scenario::ScenarioStep;

/// Why a scenario could not be completed, or its timeline not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A stand-in does not answer, or its answer is no JSON.
    #[error("{service} does not answer: {error}")]
    Unreachable {
        /// The stand-in.
        service: &'static str,
        /// Why. Without the URL.
        error: reqwest::Error,
    },
    /// The app does not answer a browser.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// A response with another status than the scenario needs.
    #[error("{request} was answered with status {status}")]
    UnexpectedStatus {
        /// The request.
        request: String,
        /// The status.
        status: u16,
    },
    /// A page without the element that the scenario needs, or a state that a step does not expect.
    #[error("{0}")]
    UnexpectedPage(String),
    /// The condition was not met in time.
    #[error("timed out while waiting until {0}")]
    Timeout(String),
    /// The ingest route refused the browser's events.
    #[error("an upload of browser events was refused: {0}")]
    UploadRefused(String),
    /// The events cannot be read back.
    #[error(transparent)]
    Read(#[from] backend::timeline::ReadError),
    /// An event is in the timeline more or fewer times than expected.
    #[error("{name} is in the timeline {found} times; expected: {expected}")]
    EventCount {
        /// The event.
        name: &'static str,
        /// How often it is there.
        found: usize,
        /// How often the steps caused it.
        expected: usize,
    },
    /// The campaign's revenue is not the sum of its users' payments, or differs by touch. Amounts are in minor units.
    #[error("the campaign’s revenue is {found}; expected: {expected}")]
    Attribution {
        /// The revenue in the report.
        found: i64,
        /// The payments at Stripe, or the revenue by the other touch.
        expected: i64,
    },
    /// The step is not possible after the steps before it.
    #[error("{} is not possible at this point", step.description())]
    ImpossibleStep {
        /// The step.
        step: ScenarioStep,
    },
}
