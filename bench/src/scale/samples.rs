//! The durations and errors of the requests of a phase. All loads write to it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Error messages that are kept of a phase.
const MAX_MESSAGES: usize = 5;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadKind {
    /// A page.
    Document,
    /// A vote's form.
    Vote,
    /// A sign-up's form.
    SignUp,
    /// The order of a trial, with the pricing page.
    Trial,
    /// A webhook of Stripe.
    Webhook,
    /// The opening of an event stream.
    Stream,
}

impl fmt::Display for LoadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Document => "documents",
            Self::Vote => "votes",
            Self::SignUp => "sign-ups",
            Self::Trial => "trial orders",
            Self::Webhook => "webhooks",
            Self::Stream => "streams opened",
        })
    }
}

/// The requests of one kind.
#[derive(Clone, Debug, Default)]
pub struct KindSamples {
    /// µs of each answered request.
    pub durations_us: Vec<f64>,
    /// Requests without the expected answer.
    pub errors: usize,
}

/// The requests of a phase.
#[derive(Clone, Debug, Default)]
pub struct LoadSamples {
    /// By kind.
    pub kinds: BTreeMap<LoadKind, KindSamples>,
    /// Event streams that ended although the page was open.
    pub closed_streams: usize,
    /// The first error messages.
    pub messages: Vec<String>,
}

/// The samples of the current phase.
#[derive(Clone, Default)]
pub(super) struct LoadRecorder(Arc<Mutex<LoadSamples>>);

impl LoadRecorder {
    /// Adds the result of a request. Returns its value.
    pub(super) fn record<T, E: fmt::Display>(
        &self,
        kind: LoadKind,
        result: Result<(f64, T), E>,
    ) -> Option<T> {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_kind = samples.kinds.entry(kind).or_default();
        match result {
            Ok((duration_us, value)) => {
                of_kind.durations_us.push(duration_us);
                Some(value)
            }
            Err(error) => {
                of_kind.errors += 1;
                if samples.messages.len() < MAX_MESSAGES {
                    samples.messages.push(format!("{kind}: {error}"));
                }
                None
            }
        }
    }

    pub(super) fn record_closed_stream(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed_streams += 1;
    }

    /// Returns the samples so far and starts anew.
    pub(super) fn take(&self) -> LoadSamples {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
