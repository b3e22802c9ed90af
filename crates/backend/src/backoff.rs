//! Waits between attempts.

/// The wait in ms after consecutive failures. It doubles from `base_ms` up to `cap_ms`.
pub(crate) fn wait_ms(base_ms: i64, cap_ms: i64, failures: i64) -> i64 {
    let doublings = u32::try_from(failures.clamp(1, 31) - 1).unwrap_or(0);
    base_ms.saturating_mul(1 << doublings).min(cap_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_to_its_cap() {
        for (failures, wait) in [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (i64::MAX, 60)] {
            assert_eq!(wait_ms(5, 60, failures), wait, "{failures}");
        }
    }
}
