//! Billing intervals: those of Stripe's prices, and the two that our pricing page offers.
//!
//! This module does not compute dates.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The billing interval of one of Stripe's prices: a unit and a count. On the wire `month`, `year`, `3 months`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interval {
    unit: IntervalUnit,
    count: NonZeroU32,
}

/// Stripe's units of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IntervalUnit {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl IntervalUnit {
    const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    /// Stripe's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The unit of Stripe's word; `None` for another word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == word)
    }
}

impl Interval {
    /// Every `count` units; `None` if `count` is zero.
    pub const fn every(count: u32, unit: IntervalUnit) -> Option<Self> {
        match NonZeroU32::new(count) {
            Some(count) => Some(Self { unit, count }),
            None => None,
        }
    }

    /// The unit.
    pub const fn unit(self) -> IntervalUnit {
        self.unit
    }

    /// How many units a period has.
    pub const fn count(self) -> u32 {
        self.count.get()
    }

    /// Parses the wire form; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let interval = match text.split_once(' ') {
            None => Self::every(1, IntervalUnit::parse(text)?)?,
            Some((count, units)) => Self::every(
                count.parse().ok()?,
                IntervalUnit::parse(units.strip_suffix('s')?)?,
            )?,
        };
        (interval.to_string() == text).then_some(interval)
    }
}

/// `month`, `3 months`.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count() {
            1 => f.write_str(self.unit.as_str()),
            count => write!(f, "{count} {}s", self.unit.as_str()),
        }
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an interval"))
    }
}

#[cfg(feature = "catalog")]
impl schemars::JsonSchema for Interval {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Interval".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(day|week|month|year|[1-9][0-9]* (days|weeks|months|years))$",
        })
    }
}

/// An interval that our pricing page offers. A subscription at Stripe can have another [`Interval`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlanInterval {
    /// Every month.
    Month,
    /// Every year.
    Year,
}

impl From<PlanInterval> for Interval {
    fn from(offered: PlanInterval) -> Self {
        Self {
            unit: match offered {
                PlanInterval::Month => IntervalUnit::Month,
                PlanInterval::Year => IntervalUnit::Year,
            },
            count: NonZeroU32::MIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_the_unit_or_a_count_and_units() {
        for (count, unit, text) in [
            (1, IntervalUnit::Month, "month"),
            (1, IntervalUnit::Year, "year"),
            (3, IntervalUnit::Month, "3 months"),
            (2, IntervalUnit::Week, "2 weeks"),
            (1, IntervalUnit::Day, "day"),
            (12, IntervalUnit::Month, "12 months"),
        ] {
            let interval = Interval::every(count, unit).unwrap();
            assert_eq!(interval.to_string(), text);
            assert_eq!(Interval::parse(text), Some(interval));
            assert_eq!(serde_json::to_value(interval).unwrap(), text);
        }
        for bad in [
            "",
            "months",
            "0 months",
            "1 month",
            "1 months",
            "3 month",
            "03 months",
            "3  months",
            "fortnight",
        ] {
            assert_eq!(Interval::parse(bad), None, "{bad}");
        }
        assert_eq!(Interval::every(0, IntervalUnit::Month), None);
    }

    #[test]
    fn the_offered_intervals_keep_their_wire_form() {
        for (offered, text) in [(PlanInterval::Month, "month"), (PlanInterval::Year, "year")] {
            assert_eq!(serde_json::to_value(offered).unwrap(), text);
            assert_eq!(Interval::from(offered).to_string(), text);
        }
    }
}
