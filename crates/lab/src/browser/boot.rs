//! The boot data of a document: what `public/seam.js` reads before it starts the SDK. Pure.

use std::ops::RangeInclusive;

use serde_json::Value;

/// Offsets of the browser's clock that the script corrects, in ms (`public/seam.js`).
const CORRECTED_MS: RangeInclusive<i64> = 1_000..=60_000;

/// The boot data of a document.
#[derive(Clone)]
pub(super) struct BootData {
    value: Value,
    /// The browser's clock minus the server's, in ms, as the script measures it.
    pub(super) clock_ahead_ms: i64,
}

/// An event that the server has confirmed and the page fires.
pub(super) struct BootEvent<'a> {
    pub(super) name: &'a str,
    pub(super) insert_id: &'a str,
    pub(super) properties: serde_json::Map<String, Value>,
    /// By the server's clock.
    pub(super) time_ms: Option<i64>,
    pub(super) session: Option<i64>,
}

impl BootData {
    /// `headers_at_ms`: when the response's headers arrived, by the browser's clock. `None` if the data has no server time.
    pub(super) fn new(value: Value, headers_at_ms: i64) -> Option<Self> {
        let clock_ahead_ms = headers_at_ms - value["now"].as_i64()?;
        Some(Self {
            value,
            clock_ahead_ms,
        })
    }

    /// The signed-in user.
    pub(super) fn user(&self) -> Option<&str> {
        self.value["user"].as_str()
    }

    /// Device and session, if the page tracks.
    pub(super) fn tracked_ids(&self) -> Option<(&str, i64)> {
        let ids = (self.value["device"].as_str()?, self.value["session"].as_i64()?);
        (self.value["tracking"] == true).then_some(ids)
    }

    /// Events that the server has confirmed and that have not arrived at Amplitude yet.
    pub(super) fn confirmed(&self) -> impl Iterator<Item = BootEvent<'_>> {
        let events = self.value["confirmed"].as_array().into_iter().flatten();
        events.filter_map(|event| {
            Some(BootEvent {
                name: event["name"].as_str()?,
                insert_id: event["insertId"].as_str()?,
                properties: event["properties"].as_object().cloned().unwrap_or_default(),
                time_ms: event["time"].as_i64(),
                session: event["session"].as_i64(),
            })
        })
    }

    /// A time of the server's, by the browser's clock. The script or Amplitude corrects it back.
    pub(super) const fn by_browser_clock(&self, server_ms: i64) -> i64 {
        match self.clock_ahead_ms.abs() < *CORRECTED_MS.start() {
            true => server_ms,
            false => server_ms + self.clock_ahead_ms,
        }
    }

    /// What the script subtracts from each event's time, in ms.
    pub(super) fn correction_ms(&self) -> i64 {
        match CORRECTED_MS.contains(&self.clock_ahead_ms.abs()) {
            true => self.clock_ahead_ms,
            false => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_script_corrects_offsets_from_a_second_to_a_minute() {
        #[rustfmt::skip]
        let table = [
            // offset, correction, a server time of 5 s by the browser's clock
            (0,         0,       5_000),
            (999,       0,       5_000),
            (1_000,     1_000,   6_000),
            (-1_000,    -1_000,  4_000),
            (60_000,    60_000,  65_000),
            (60_001,    0,       65_001),
            (-60_001,   0,       -55_001),
        ];
        for (ahead_ms, correction_ms, browser_ms) in table {
            let boot = BootData::new(json!({"now": 100_000}), 100_000 + ahead_ms).unwrap();
            assert_eq!(boot.correction_ms(), correction_ms, "{ahead_ms}");
            assert_eq!(boot.by_browser_clock(5_000), browser_ms, "{ahead_ms}");
        }
    }

    #[test]
    fn a_page_without_consent_has_no_tracked_ids() {
        let boot = |tracking: bool| {
            let value = json!({"now": 0, "device": "d", "session": 7, "tracking": tracking});
            BootData::new(value, 0).unwrap()
        };
        assert_eq!(boot(true).tracked_ids(), Some(("d", 7)));
        assert_eq!(boot(false).tracked_ids(), None);
    }
}
