//! Statements with a list of keys, as in `WHERE id IN ($1, $2)`. The number of placeholders is a power of two, so that a
//! connection prepares ten statements at most for each query.

use std::iter::repeat_n;

/// Keys of one statement. Both engines allow more parameters, but a statement should not become long.
pub(crate) const MAX_KEYS: usize = 512;

/// The statement for `keys` keys, which `query` lists as `IN ({keys})`.
pub(crate) fn statement(query: &str, keys: usize) -> String {
    let holders = (1..=keys.next_power_of_two()).map(|number| format!("${number}"));
    query.replace("{keys}", &holders.collect::<Vec<_>>().join(", "))
}

/// The keys to bind. The last one is repeated, which does not change the result.
pub(crate) fn parameters<T: Clone>(keys: &[T]) -> impl Iterator<Item = T> {
    let missing = keys.len().next_power_of_two() - keys.len();
    let filler = keys
        .last()
        .into_iter()
        .flat_map(move |key| repeat_n(key, missing));
    keys.iter().chain(filler).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_filled_up_to_a_power_of_two() {
        for (keys, holders, bound) in [
            (vec!["a"], "$1", vec!["a"]),
            (vec!["a", "b"], "$1, $2", vec!["a", "b"]),
            (vec!["a", "b", "c"], "$1, $2, $3, $4", vec!["a", "b", "c", "c"]),
        ] {
            let expected = format!("SELECT 1 WHERE id IN ({holders}) GROUP BY id");
            assert_eq!(
                statement("SELECT 1 WHERE id IN ({keys}) GROUP BY id", keys.len()),
                expected
            );
            assert_eq!(parameters(&keys).collect::<Vec<_>>(), bound);
        }
    }
}
