//! Values at a path, with the path in the error.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Unreadable;

/// A JSON object that is being read.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    object: &'static str,
    root: &'a Value,
}

impl<'a> Fields<'a> {
    pub(super) fn of(object: &'static str, root: &'a Value) -> Result<Self, Unreadable> {
        if root.is_object() {
            Ok(Self { object, root })
        } else {
            Err(Unreadable {
                object,
                field: "object",
            })
        }
    }

    /// The value at a dotted path; null and absent are the same.
    pub(super) fn optional<T>(
        self,
        path: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Unreadable> {
        self.at(path)?
            .map(|value| read(value).ok_or_else(|| self.unreadable(path)))
            .transpose()
    }

    pub(super) fn required<T>(
        self,
        path: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, Unreadable> {
        self.optional(path, read)?.ok_or_else(|| self.unreadable(path))
    }

    /// The first of these paths that has a value: the same thing at its newer and its older place.
    pub(super) fn either<T>(
        self,
        paths: [&'static str; 2],
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Unreadable> {
        match self.optional(paths[0], &read)? {
            None => self.optional(paths[1], &read),
            newer => Ok(newer),
        }
    }

    pub(super) fn unreadable(self, field: &'static str) -> Unreadable {
        Unreadable {
            object: self.object,
            field,
        }
    }

    /// What stands on the way must be an object, or be missing altogether.
    fn at(self, path: &'static str) -> Result<Option<&'a Value>, Unreadable> {
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

/// The ID of another object, which may stand there in full instead.
pub(super) fn reference(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("id")?.as_str())
}

/// The objects of one of Stripe's lists, as far as they came along.
pub(super) fn list(value: &Value) -> Option<&Vec<Value>> {
    value.get("data")?.as_array()
}

/// Metadata is text by text; a key that is gone stands as null among old values.
pub(super) fn metadata(value: &Value) -> Option<BTreeMap<String, String>> {
    Some(
        value
            .as_object()?
            .iter()
            .filter_map(|(key, text)| Some((key.clone(), text.as_str()?.to_owned())))
            .collect(),
    )
}
