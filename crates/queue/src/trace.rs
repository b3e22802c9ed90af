//! Passes the trace of a request to the work that it causes later, as a W3C `traceparent` in a row. Without
//! [`install_tracing`] rows get none, and nothing is read or written for it.

use std::sync::OnceLock;

use tracing::Span;

/// How to read and to continue a trace.
#[derive(Clone, Copy, Debug)]
pub struct TraceContext {
    /// The `traceparent` of the current span.
    pub current: fn() -> Option<String>,
    /// Makes a span that was not entered yet a child of a `traceparent`.
    pub set_parent: fn(&Span, &str),
}

static CONTEXT: OnceLock<TraceContext> = OnceLock::new();

/// Has this process pass traces on. A second call does nothing.
pub fn install_tracing(context: TraceContext) {
    let _ = CONTEXT.set(context);
}

/// Whether this process passes traces on.
pub fn is_tracing() -> bool {
    CONTEXT.get().is_some()
}

/// The `traceparent` to write with a row; `None` if this process passes no traces on.
pub fn trace_parent() -> Option<String> {
    CONTEXT.get().and_then(|context| (context.current)())
}

/// Has `span`, which was not entered yet, continue the trace of a row. Without a `traceparent` the span begins a trace, or is
/// a child of the current span.
pub fn continue_trace(span: &Span, trace_parent: Option<&str>) {
    if let Some((context, trace_parent)) = CONTEXT.get().zip(trace_parent) {
        (context.set_parent)(span, trace_parent);
    }
}
