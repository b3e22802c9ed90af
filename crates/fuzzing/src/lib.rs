//! Drives the workspace's fuzz tests. Each test calls [`fuzz`] with a corpus of real inputs and a property. The inputs are
//! mutated at random until the target's share of `FUZZ_SECS` is used up. proptest shrinks an input for which the property
//! panics, and the test prints it, so that it can be added to the corpus.
//!
//! It does not measure coverage, and needs no nightly compiler. The tests are named `fuzz_…`; `make fuzz` runs them.

mod json;
mod mutation;

use std::cell::Cell;
use std::fs;
use std::io::{Write, stderr};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use mutation::{Mutation, mutation};

/// Every target of the workspace. They share `FUZZ_SECS` equally.
const TARGETS: [&str; 8] = [
    "amplitude_uploads",
    "cookies",
    "ingest_bodies",
    "redirects",
    "stripe_forms",
    "stripe_requests",
    "webhook_events",
    "webhook_signatures",
];
/// Seconds for all targets together, without `FUZZ_SECS`: a short check in `cargo test`.
const DEFAULT_SECS: u64 = 8;
/// An input that takes longer counts as a failure. Usual inputs take about a millisecond.
const MAX_INPUT_SECS: u64 = 5;
const MAX_INPUT_BYTES: usize = 64 << 10;
const MAX_MUTATIONS: usize = 8;
const INPUTS_PER_ROUND: u32 = 256;

/// Calls `property` with mutations of `corpus`. `tokens` are texts with a meaning in the format, to be inserted. The
/// property returns whether the code under test accepted the input, and panics if the code misbehaved.
///
/// # Panics
/// If the property panics for an input, or takes more than 5 seconds, or accepts none of the inputs.
pub fn fuzz(target: &str, tokens: &[&str], corpus: &[impl AsRef<[u8]>], property: impl Fn(&[u8]) -> bool) {
    assert!(TARGETS.contains(&target), "add {target} to TARGETS");
    let corpus: Vec<&[u8]> = corpus.iter().map(AsRef::as_ref).collect();
    // A stack overflow ends the process without a message. Its input is in this file.
    let last_input = std::env::temp_dir().join(format!("seamline-fuzz-{target}"));
    let (inputs, accepted) = (Cell::new(0_u64), Cell::new(0_u64));
    let run = |input: &[u8]| {
        fs::write(&last_input, input).expect("the temporary directory is writable");
        let input_started = Instant::now();
        let is_accepted = property(input);
        let secs = input_started.elapsed().as_secs();
        assert!(secs < MAX_INPUT_SECS, "the input took {secs} s");
        is_accepted
    };
    for (index, input) in corpus.iter().enumerate() {
        eprintln!("{target}: input {index} of the corpus");
        run(input);
    }
    // Begins here, so that at least one round runs on a busy machine.
    let started = Instant::now();
    while started.elapsed() < budget() {
        let result = runner().run(&mutations(corpus.len()), |(index, mutations)| {
            let is_accepted = run(&mutated(&corpus, index, &mutations, tokens));
            inputs.set(inputs.get() + 1);
            accepted.set(accepted.get() + u64::from(is_accepted));
            Ok(())
        });
        if let Err(error) = result {
            fail(target, error, &corpus, tokens);
        }
    }
    let (inputs, accepted, secs) = (inputs.get(), accepted.get(), started.elapsed().as_secs_f64());
    // Written past the test's capture, so that CI's log has the figures.
    let _ = writeln!(
        stderr(),
        "fuzz {target}: {inputs} inputs in {secs:.1} s, {:.0} a second, {:.0} % accepted",
        inputs as f64 / secs,
        100.0 * accepted as f64 / inputs as f64
    );
    assert!(accepted > 0, "{target}: no input was accepted");
}

fn budget() -> Duration {
    let secs = std::env::var("FUZZ_SECS").ok().map_or(DEFAULT_SECS, |secs| {
        secs.parse().expect("FUZZ_SECS is a number of seconds")
    });
    Duration::from_secs(secs) / TARGETS.len() as u32
}

/// A runner with a random seed.
fn runner() -> TestRunner {
    TestRunner::new(Config {
        cases: INPUTS_PER_ROUND,
        failure_persistence: None,
        max_shrink_iters: 1_000,
        max_shrink_time: 60_000,
        ..Config::default()
    })
}

/// Which input of the corpus to change, and how.
fn mutations(corpus: usize) -> impl Strategy<Value = (usize, Vec<Mutation>)> {
    (0..corpus, prop::collection::vec(mutation(), 0..=MAX_MUTATIONS))
}

fn mutated(corpus: &[&[u8]], index: usize, mutations: &[Mutation], tokens: &[&str]) -> Vec<u8> {
    let mut input = corpus[index].to_vec();
    for mutation in mutations {
        mutation.apply(&mut input, corpus, tokens);
        input.truncate(MAX_INPUT_BYTES);
    }
    input
}

fn fail(target: &str, error: TestError<(usize, Vec<Mutation>)>, corpus: &[&[u8]], tokens: &[&str]) -> ! {
    match error {
        TestError::Fail(reason, (index, mutations)) => {
            let input = mutated(corpus, index, &mutations, tokens);
            panic!(
                "{target}: {reason}\nthe input, to be added to the corpus:\nb\"{}\"",
                input.escape_ascii()
            )
        }
        TestError::Abort(reason) => panic!("{target}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[should_panic(expected = "to be added to the corpus")]
    fn a_failing_input_is_found_and_printed() {
        super::fuzz("redirects", &["[", "]"], &["a[b]", "a=1"], |input| {
            assert!(!input.windows(2).any(|pair| pair == b"[["), "two brackets");
            true
        });
    }
}
