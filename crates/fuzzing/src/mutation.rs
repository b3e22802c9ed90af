//! One random change of an input. Bytes, runs of digits, and the values of JSON are changed.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::json;

/// Numbers at the limits of the types that parsers use.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1e999",
    "127",
    "65536",
    "2147483648",
    "4294967295",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "99999999999999999999999999",
];

/// A change. Each position and choice is scaled to the input when the change is applied.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    /// Overwrites a byte.
    Overwrite(Index, u8),
    Remove(Index, Index),
    /// Repeats a range, which nests brackets and multiplies parameters.
    Repeat(Index, Index, u16),
    /// Inserts one of the format's tokens.
    Insert(Index, Index),
    /// Replaces a run of digits with a number at a limit.
    Number(Index, Index),
    /// Inserts a range of another input of the corpus.
    Splice(Index, Index, Index, Index),
    /// Changes a value, if the input is JSON.
    Json(json::Change, Index, Index, Index),
}

/// A random change. Shrinking removes changes and moves the rest towards the start of the input.
pub(crate) fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        1 => (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Overwrite(at, byte)),
        1 => (index(), index()).prop_map(|(from, to)| Mutation::Remove(from, to)),
        1 => (index(), index(), times()).prop_map(|(from, to, times)| Mutation::Repeat(from, to, times)),
        2 => (index(), index()).prop_map(|(at, token)| Mutation::Insert(at, token)),
        2 => (index(), index()).prop_map(|(run, number)| Mutation::Number(run, number)),
        1 => (index(), index(), index(), index())
            .prop_map(|(at, other, from, to)| Mutation::Splice(at, other, from, to)),
        4 => (json::change(), index(), index(), index())
            .prop_map(|(change, at, other, choice)| Mutation::Json(change, at, other, choice)),
    ]
}

/// Mostly few repetitions. Many find recursion and quadratic time.
fn times() -> impl Strategy<Value = u16> {
    prop_oneof![4 => 1..4_u16, 1 => 4..20_000_u16]
}

impl Mutation {
    pub(crate) fn apply(&self, input: &mut Vec<u8>, corpus: &[&[u8]], tokens: &[&str]) {
        match self {
            Self::Overwrite(at, byte) if !input.is_empty() => {
                let at = at.index(input.len());
                input[at] = *byte;
            }
            Self::Overwrite(..) => {}
            Self::Remove(from, to) => {
                input.drain(range(input, *from, *to));
            }
            Self::Repeat(from, to, times) => {
                let range = range(input, *from, *to);
                let times = usize::from(*times).min(crate::MAX_INPUT_BYTES / range.len().max(1));
                let repeated = input[range.clone()].repeat(times);
                input.splice(range.end..range.end, repeated);
            }
            Self::Insert(at, token) => insert(input, *at, token.get(tokens).as_bytes()),
            Self::Number(run, number) => {
                let runs = digit_runs(input);
                if !runs.is_empty() {
                    input.splice(run.get(&runs).clone(), number.get(&NUMBERS).bytes());
                }
            }
            Self::Splice(at, other, from, to) => {
                let other = other.get(corpus);
                insert(input, *at, &other[range(other, *from, *to)]);
            }
            Self::Json(change, at, other, choice) => {
                json::apply(*change, input, [*at, *other, *choice], corpus);
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, at: Index, bytes: &[u8]) {
    let at = at.index(input.len() + 1);
    input.splice(at..at, bytes.iter().copied());
}

fn range(input: &[u8], from: Index, to: Index) -> std::ops::Range<usize> {
    let (from, to) = (from.index(input.len() + 1), to.index(input.len() + 1));
    from.min(to)..from.max(to)
}

fn digit_runs(input: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..input.len()).filter(|at| input[*at].is_ascii_digit()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}
