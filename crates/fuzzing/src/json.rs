//! Changes of the values of a JSON input. An input that is not JSON stays as it is.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// What to do with one value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// A value of another type, or at a limit.
    Replace,
    /// A value of another input of the corpus.
    Copy,
    Remove,
    /// The value goes under the key of another one, which also repeats elements.
    Move,
    Nest,
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    prop::sample::select(vec![
        Change::Replace,
        Change::Copy,
        Change::Remove,
        Change::Move,
        Change::Nest,
    ])
}

pub(crate) fn apply(change: Change, input: &mut Vec<u8>, [at, other, choice]: [Index; 3], corpus: &[&[u8]]) {
    let Ok(mut root) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    let pointers = pointers(&root);
    let pointer = at.get(&pointers).clone();
    let value = root.pointer(&pointer).cloned().unwrap_or_default();
    match change {
        Change::Replace => set(&mut root, &pointer, choice.get(&values()).clone()),
        Change::Copy => {
            let donor = serde_json::from_slice(corpus[other.index(corpus.len())]).unwrap_or(Value::Null);
            let places = self::pointers(&donor);
            let copied = donor.pointer(&places[choice.index(places.len())]).cloned();
            set(&mut root, &pointer, copied.unwrap_or_default());
        }
        Change::Remove => remove(&mut root, &pointer),
        Change::Move => set(&mut root, &pointers[choice.index(pointers.len())], value),
        Change::Nest => {
            let levels = 1 + choice.index(200);
            let nested = (0..levels).fold(value, |inner, _| {
                if at.index(2) == 0 {
                    json!([inner])
                } else {
                    json!({"a": inner})
                }
            });
            set(&mut root, &pointer, nested);
        }
    }
    *input = root.to_string().into_bytes();
}

/// The JSON pointers of all values, the root's first.
fn pointers(root: &Value) -> Vec<String> {
    let mut pointers = vec![String::new()];
    let mut next = 0;
    while let Some(pointer) = pointers.get(next).cloned() {
        match root.pointer(&pointer) {
            Some(Value::Object(fields)) => {
                pointers.extend(
                    fields
                        .keys()
                        .map(|key| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))),
                );
            }
            Some(Value::Array(items)) => {
                pointers.extend((0..items.len()).map(|index| format!("{pointer}/{index}")));
            }
            _ => {}
        }
        next += 1;
    }
    pointers
}

fn set(root: &mut Value, pointer: &str, value: Value) {
    if let Some(place) = root.pointer_mut(pointer) {
        *place = value;
    }
}

fn remove(root: &mut Value, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else {
        return;
    };
    match root.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.remove(&key.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            if let Ok(index) = key.parse() {
                items.remove(index);
            }
        }
        _ => {}
    }
}

fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e308),
        json!(-1e308),
        json!(0.5),
        json!(""),
        json!("0"),
        json!("a\u{0}\u{202e}\u{1f980}/~"),
        json!("x".repeat(2_000)),
        json!([]),
        json!({}),
        json!([null]),
        json!({"": null}),
    ]
}
