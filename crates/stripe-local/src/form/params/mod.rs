//! Parameters that are read one by one. `finish` rejects the parameters that were not read.

use std::collections::BTreeMap;

use super::{FormValue, Patch, TimestampRange, array_index};
use crate::api_error::ApiError;

/// Key-value data of the API caller.
pub(crate) type Metadata = BTreeMap<String, String>;

/// Stripe's limits on metadata.
const MAX_METADATA_KEYS: usize = 50;
const MAX_METADATA_KEY_CHARS: usize = 40;
const MAX_METADATA_VALUE_CHARS: usize = 500;

/// The latest accepted timestamp: 2100-01-01. Date arithmetic stays in range.
pub(crate) const MAX_TIMESTAMP_SECS: i64 = 4_102_444_800;

const MAX_QUANTITY: i64 = 1_000_000;

/// The parameters of a request, or of one nested object.
#[derive(Clone, Debug)]
pub(crate) struct Params {
    /// The name of the nested object, such as `subscription_data`. Empty for the request itself.
    prefix: String,
    map: BTreeMap<String, FormValue>,
}

impl Params {
    pub(crate) fn new(map: BTreeMap<String, FormValue>) -> Self {
        Self {
            prefix: String::new(),
            map,
        }
    }

    pub(crate) fn full_name(&self, key: &str) -> String {
        if self.prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{}[{key}]", self.prefix)
        }
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, ApiError> {
        match self.map.remove(key) {
            None => Ok(None),
            Some(FormValue::Text(text)) => Ok(Some(text)),
            Some(FormValue::Map(_)) => {
                Err(ApiError::invalid_parameter(self.full_name(key), "Invalid string"))
            }
        }
    }

    /// A text parameter. `None` if it is missing or empty.
    pub(crate) fn non_empty(&mut self, key: &str) -> Result<Option<String>, ApiError> {
        Ok(self.text(key)?.filter(|text| !text.is_empty()))
    }

    pub(crate) fn required(&mut self, key: &str) -> Result<String, ApiError> {
        self.non_empty(key)?
            .ok_or_else(|| ApiError::missing_parameter(&self.full_name(key)))
    }

    pub(crate) fn patch(&mut self, key: &str) -> Result<Patch<String>, ApiError> {
        Ok(match self.text(key)? {
            None => Patch::Keep,
            Some(text) if text.is_empty() => Patch::Clear,
            Some(text) => Patch::Set(text),
        })
    }

    pub(crate) fn integer(&mut self, key: &str) -> Result<Option<i64>, ApiError> {
        self.non_empty(key)?
            .map(|text| {
                text.parse().map_err(|_| {
                    ApiError::invalid_parameter(self.full_name(key), format!("Invalid integer: {text}"))
                })
            })
            .transpose()
    }

    /// A timestamp in Unix seconds. Fails outside of 1970 to 2100.
    pub(crate) fn timestamp(&mut self, key: &str) -> Result<Option<i64>, ApiError> {
        let at = self.integer(key)?;
        if at.is_some_and(|at| !(0..=MAX_TIMESTAMP_SECS).contains(&at)) {
            return Err(ApiError::invalid_parameter(
                self.full_name(key),
                "Invalid timestamp: it must be between 1970 and 2100.",
            ));
        }
        Ok(at)
    }

    /// A quantity. Fails outside of 1 to one million.
    pub(crate) fn quantity(&mut self, key: &str) -> Result<Option<i64>, ApiError> {
        let quantity = self.integer(key)?;
        if quantity.is_some_and(|quantity| !(1..=MAX_QUANTITY).contains(&quantity)) {
            return Err(ApiError::invalid_parameter(
                self.full_name(key),
                format!("This value must be between 1 and {MAX_QUANTITY}."),
            ));
        }
        Ok(quantity)
    }

    pub(crate) fn boolean(&mut self, key: &str) -> Result<Option<bool>, ApiError> {
        match self.non_empty(key)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(ApiError::invalid_parameter(
                self.full_name(key),
                format!("Invalid boolean: {other}"),
            )),
        }
    }

    /// A parameter with a fixed set of values. Fails if `read` cannot parse the value.
    pub(crate) fn one_of<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        self.non_empty(key)?
            .map(|text| {
                parse(&text).ok_or_else(|| {
                    ApiError::invalid_parameter(
                        self.full_name(key),
                        format!(
                            "Invalid {}: stripe-local does not support '{text}'",
                            self.full_name(key)
                        ),
                    )
                })
            })
            .transpose()
    }

    /// Takes a parameter whose value is empty. Returns whether it was given.
    pub(crate) fn take_empty(&mut self, key: &str) -> bool {
        let is_empty = matches!(self.map.get(key), Some(FormValue::Text(text)) if text.is_empty());
        if is_empty {
            self.map.remove(key);
        }
        is_empty
    }

    pub(crate) fn nested(&mut self, key: &str) -> Result<Option<Self>, ApiError> {
        match self.map.remove(key) {
            None => Ok(None),
            Some(FormValue::Map(map)) => Ok(Some(Self {
                prefix: self.full_name(key),
                map,
            })),
            Some(FormValue::Text(text)) if text.is_empty() => Ok(None),
            Some(FormValue::Text(_)) => {
                Err(ApiError::invalid_parameter(self.full_name(key), "Invalid object"))
            }
        }
    }

    /// A timestamp or a range: `created=1` or `created[gte]=1&created[lt]=2`.
    pub(crate) fn range(&mut self, key: &str) -> Result<TimestampRange, ApiError> {
        let mut range = TimestampRange::default();
        if matches!(self.map.get(key), Some(FormValue::Map(_))) {
            if let Some(mut bounds) = self.nested(key)? {
                let after = bounds.timestamp("gt")?.map(|bound| bound + 1);
                let before = bounds.timestamp("lt")?.map(|bound| bound - 1);
                range.from = bounds.integer("gte")?.max(after);
                range.to = [bounds.integer("lte")?, before].into_iter().flatten().min();
                bounds.finish()?;
            }
        } else if let Some(exact) = self.integer(key)? {
            range = TimestampRange {
                from: Some(exact),
                to: Some(exact),
            };
        }
        Ok(range)
    }

    /// The objects of an array, in the order of their indexes.
    pub(crate) fn elements(&mut self, key: &str) -> Result<Vec<Self>, ApiError> {
        self.indexed_values(key)?
            .into_iter()
            .map(|(name, node)| match node {
                FormValue::Map(map) => Ok(Self { prefix: name, map }),
                FormValue::Text(_) => Err(ApiError::invalid_parameter(name, "Invalid object")),
            })
            .collect()
    }

    pub(crate) fn texts(&mut self, key: &str) -> Result<Vec<String>, ApiError> {
        self.indexed_values(key)?
            .into_iter()
            .map(|(name, node)| match node {
                FormValue::Text(text) => Ok(text),
                FormValue::Map(_) => Err(ApiError::invalid_parameter(name, "Invalid string")),
            })
            .collect()
    }

    fn indexed_values(&mut self, key: &str) -> Result<Vec<(String, FormValue)>, ApiError> {
        let name = self.full_name(key);
        let map = match self.map.remove(key) {
            None => return Ok(Vec::new()),
            Some(FormValue::Text(text)) if text.is_empty() => return Ok(Vec::new()),
            Some(FormValue::Text(_)) => return Err(ApiError::invalid_parameter(name, "Invalid array")),
            Some(FormValue::Map(map)) => map,
        };
        let mut elements = map
            .into_iter()
            .map(|(index, node)| match array_index(&index) {
                Some(number) => Ok((number, format!("{name}[{index}]"), node)),
                None => Err(ApiError::invalid_parameter(&name, "Invalid array")),
            })
            .collect::<Result<Vec<_>, _>>()?;
        elements.sort_by_key(|(number, ..)| *number);
        Ok(elements.into_iter().map(|(_, name, node)| (name, node)).collect())
    }

    /// Merges `metadata` into `into`. An empty value removes its key; an empty `metadata` removes all keys.
    pub(crate) fn metadata(&mut self, into: &mut Metadata) -> Result<(), ApiError> {
        let map = match self.map.remove("metadata") {
            None => return Ok(()),
            Some(FormValue::Text(text)) if text.is_empty() => {
                into.clear();
                return Ok(());
            }
            Some(FormValue::Text(_)) => {
                return Err(ApiError::invalid_parameter(
                    self.full_name("metadata"),
                    "Invalid object",
                ));
            }
            Some(FormValue::Map(map)) => map,
        };
        for (key, node) in map {
            let name = format!("{}[{key}]", self.full_name("metadata"));
            let FormValue::Text(value) = node else {
                return Err(ApiError::invalid_parameter(
                    name,
                    "Metadata values must be strings",
                ));
            };
            if key.chars().count() > MAX_METADATA_KEY_CHARS {
                return Err(ApiError::invalid_parameter(
                    name,
                    format!("Metadata keys have at most {MAX_METADATA_KEY_CHARS} characters"),
                ));
            }
            if value.chars().count() > MAX_METADATA_VALUE_CHARS {
                return Err(ApiError::invalid_parameter(
                    name,
                    format!("Metadata values have at most {MAX_METADATA_VALUE_CHARS} characters"),
                ));
            }
            if value.is_empty() {
                into.remove(&key);
            } else {
                into.insert(key, value);
            }
        }
        if into.len() > MAX_METADATA_KEYS {
            return Err(ApiError::invalid_parameter(
                self.full_name("metadata"),
                format!("Metadata has at most {MAX_METADATA_KEYS} keys"),
            ));
        }
        Ok(())
    }

    /// Accepts parameters that have no effect in the stand-in.
    pub(crate) fn ignore(&mut self, keys: &[&str]) {
        for key in keys {
            self.map.remove(*key);
        }
    }

    /// Fails with `parameter_unknown` if a parameter was not read.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.map.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = self.map.keys().map(|key| self.full_name(key)).collect();
        Err(ApiError::unknown_parameters(&names))
    }
}

#[cfg(test)]
mod tests;
