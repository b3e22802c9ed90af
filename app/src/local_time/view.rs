//! The `<time>` element of documents.

use backend::dates;
use leptos::prelude::*;

use super::{TimeFormat, UtcTime};

impl UtcTime {
    /// A time to the minute. `ms` is since the epoch.
    pub(crate) fn minute(ms: i64) -> Self {
        Self {
            instant: dates::instant(ms),
            text: dates::minute(ms),
            format: TimeFormat::Minute,
        }
    }

    /// The day of a time. `secs` is since the epoch, as Stripe gives it.
    pub(crate) fn day(secs: i64) -> Self {
        Self {
            instant: dates::instant(secs.saturating_mul(1_000)),
            text: dates::long(secs),
            format: TimeFormat::Day,
        }
    }
}

/// The element.
#[component]
pub(crate) fn LocalTime(time: UtcTime) -> impl IntoView {
    view! {
        <time datetime=time.instant data-local=time.format.as_str()>
            {time.text}
        </time>
    }
}

/// A text that contains a day as [`dates::long`] writes it, with the element in the day's place.
#[component]
pub(crate) fn TextWithDay(
    text: String,
    /// The day, in seconds since the epoch.
    secs: Option<i64>,
) -> impl IntoView {
    let time = secs.map(UtcTime::day);
    let parts = time.and_then(|time| {
        let (before, after) = text.split_once(&time.text)?;
        Some((before.to_owned(), time, after.to_owned()))
    });
    match parts {
        Some((before, time, after)) => view! { {before}<LocalTime time />{after} }.into_any(),
        None => text.into_any(),
    }
}
