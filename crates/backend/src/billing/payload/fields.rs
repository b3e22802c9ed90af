//! Reads values at a path of a JSON object, with errors that name the path.

use std::collections::BTreeMap;

use serde_json::Value;

use super::PayloadError;

/// A JSON object to read from.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    object: &'static str,
    root: &'a Value,
}

impl<'a> Fields<'a> {
    pub(super) fn of(object: &'static str, root: &'a Value) -> Result<Self, PayloadError> {
        if root.is_object() {
            Ok(Self { object, root })
        } else {
            Err(PayloadError {
                object,
                field: "object",
            })
        }
    }

    /// The value at a dotted path; `None` if it is null or absent.
    pub(super) fn optional<T>(
        self,
        path: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, PayloadError> {
        self.at(path)?
            .map(|value| read(value).ok_or_else(|| self.unreadable(path)))
            .transpose()
    }

    pub(super) fn required<T>(
        self,
        path: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, PayloadError> {
        self.optional(path, read)?.ok_or_else(|| self.unreadable(path))
    }

    /// The first of two paths that has a value: the newer and the older place of the same value.
    pub(super) fn either<T>(
        self,
        paths: [&'static str; 2],
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, PayloadError> {
        match self.optional(paths[0], &read)? {
            None => self.optional(paths[1], &read),
            newer => Ok(newer),
        }
    }

    pub(super) fn unreadable(self, field: &'static str) -> PayloadError {
        PayloadError {
            object: self.object,
            field,
        }
    }

    /// Every value on the path must be an object, null, or absent.
    fn at(self, path: &'static str) -> Result<Option<&'a Value>, PayloadError> {
        let mut value = self.root;
        for key in path.split('.') {
            match value {
                Value::Object(fields) => match fields.get(key) {
                    None | Some(Value::Null) => return Ok(None),
                    Some(next) => value = next,
                },
                _ => return Err(self.unreadable(path)),
            }
        }
        Ok(Some(value))
    }
}

/// The ID of another object, which may be expanded.
pub(super) fn reference(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("id")?.as_str())
}

/// The objects of one of Stripe's lists, as far as the payload contains them.
pub(super) fn list(value: &Value) -> Option<&Vec<Value>> {
    value.get("data")?.as_array()
}

/// Metadata. Removed keys, which are null among previous values, are omitted.
pub(in crate::billing) fn metadata(value: &Value) -> Option<BTreeMap<String, String>> {
    Some(
        value
            .as_object()?
            .iter()
            .filter_map(|(key, text)| Some((key.clone(), text.as_str()?.to_owned())))
            .collect(),
    )
}
