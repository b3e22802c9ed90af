//! Parameters taken from a form one by one, so that what is left over is unknown.

use std::collections::BTreeMap;

use super::{Node, Patch, Range};
use crate::failure::Failure;

/// Keys and values that belong to the caller.
pub(crate) type Metadata = BTreeMap<String, String>;

/// Stripe's limits on metadata.
const METADATA_KEYS: usize = 50;
const METADATA_KEY_CHARS: usize = 40;
const METADATA_VALUE_CHARS: usize = 500;

/// 2100-01-01: calendars and sums stay in bounds up to here.
pub(crate) const LATEST: i64 = 4_102_444_800;

/// The largest quantity.
const MOST: i64 = 1_000_000;

/// The parameters of a request, or of a part of it.
#[derive(Clone, Debug)]
pub(crate) struct Params {
    /// The name of the part: empty, or `subscription_data`.
    prefix: String,
    map: BTreeMap<String, Node>,
}

impl Params {
    pub(crate) fn of(map: BTreeMap<String, Node>) -> Self {
        Self {
            prefix: String::new(),
            map,
        }
    }

    pub(crate) fn name(&self, key: &str) -> String {
        if self.prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{}[{key}]", self.prefix)
        }
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, Failure> {
        match self.map.remove(key) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(Node::Map(_)) => Err(Failure::parameter(self.name(key), "Invalid string")),
        }
    }

    /// A text where an empty one means none.
    pub(crate) fn filled(&mut self, key: &str) -> Result<Option<String>, Failure> {
        Ok(self.text(key)?.filter(|text| !text.is_empty()))
    }

    pub(crate) fn required(&mut self, key: &str) -> Result<String, Failure> {
        self.filled(key)?
            .ok_or_else(|| Failure::missing_parameter(&self.name(key)))
    }

    pub(crate) fn patch(&mut self, key: &str) -> Result<Patch<String>, Failure> {
        Ok(match self.text(key)? {
            None => Patch::Keep,
            Some(text) if text.is_empty() => Patch::Clear,
            Some(text) => Patch::Set(text),
        })
    }

    pub(crate) fn integer(&mut self, key: &str) -> Result<Option<i64>, Failure> {
        self.filled(key)?
            .map(|text| {
                text.parse()
                    .map_err(|_| Failure::parameter(self.name(key), format!("Invalid integer: {text}")))
            })
            .transpose()
    }

    /// A moment in Unix seconds, from 1970 to 2100.
    pub(crate) fn moment(&mut self, key: &str) -> Result<Option<i64>, Failure> {
        let at = self.integer(key)?;
        if at.is_some_and(|at| !(0..=LATEST).contains(&at)) {
            return Err(Failure::parameter(
                self.name(key),
                "Invalid timestamp: it must be between 1970 and 2100.",
            ));
        }
        Ok(at)
    }

    /// How many of something: from 1 to a million.
    pub(crate) fn quantity(&mut self, key: &str) -> Result<Option<i64>, Failure> {
        let quantity = self.integer(key)?;
        if quantity.is_some_and(|quantity| !(1..=MOST).contains(&quantity)) {
            return Err(Failure::parameter(
                self.name(key),
                format!("This value must be between 1 and {MOST}."),
            ));
        }
        Ok(quantity)
    }

    pub(crate) fn boolean(&mut self, key: &str) -> Result<Option<bool>, Failure> {
        match self.filled(key)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Failure::parameter(
                self.name(key),
                format!("Invalid boolean: {other}"),
            )),
        }
    }

    /// One of a few words, read by `read`.
    pub(crate) fn word<T>(
        &mut self,
        key: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        self.filled(key)?
            .map(|text| {
                read(&text).ok_or_else(|| {
                    Failure::parameter(
                        self.name(key),
                        format!("Invalid {}: stripe-local does not know '{text}'", self.name(key)),
                    )
                })
            })
            .transpose()
    }

    pub(crate) fn nested(&mut self, key: &str) -> Result<Option<Self>, Failure> {
        match self.map.remove(key) {
            None => Ok(None),
            Some(Node::Map(map)) => Ok(Some(Self {
                prefix: self.name(key),
                map,
            })),
            Some(Node::Text(text)) if text.is_empty() => Ok(None),
            Some(Node::Text(_)) => Err(Failure::parameter(self.name(key), "Invalid object")),
        }
    }

    /// A moment, or bounds of it: `created=1` or `created[gte]=1&created[lt]=2`.
    pub(crate) fn range(&mut self, key: &str) -> Result<Range, Failure> {
        let mut range = Range::default();
        if matches!(self.map.get(key), Some(Node::Map(_))) {
            if let Some(mut bounds) = self.nested(key)? {
                let after = bounds.moment("gt")?.map(|bound| bound + 1);
                let before = bounds.moment("lt")?.map(|bound| bound - 1);
                range.from = bounds.integer("gte")?.max(after);
                range.to = [bounds.integer("lte")?, before].into_iter().flatten().min();
                bounds.finish()?;
            }
        } else if let Some(exact) = self.integer(key)? {
            range = Range {
                from: Some(exact),
                to: Some(exact),
            };
        }
        Ok(range)
    }

    /// The elements of a list, in the order of their numbers.
    pub(crate) fn elements(&mut self, key: &str) -> Result<Vec<Self>, Failure> {
        self.numbered(key)?
            .into_iter()
            .map(|(name, node)| match node {
                Node::Map(map) => Ok(Self { prefix: name, map }),
                Node::Text(_) => Err(Failure::parameter(name, "Invalid object")),
            })
            .collect()
    }

    pub(crate) fn texts(&mut self, key: &str) -> Result<Vec<String>, Failure> {
        self.numbered(key)?
            .into_iter()
            .map(|(name, node)| match node {
                Node::Text(text) => Ok(text),
                Node::Map(_) => Err(Failure::parameter(name, "Invalid string")),
            })
            .collect()
    }

    fn numbered(&mut self, key: &str) -> Result<Vec<(String, Node)>, Failure> {
        let name = self.name(key);
        let map = match self.map.remove(key) {
            None => return Ok(Vec::new()),
            Some(Node::Text(text)) if text.is_empty() => return Ok(Vec::new()),
            Some(Node::Text(_)) => return Err(Failure::parameter(name, "Invalid array")),
            Some(Node::Map(map)) => map,
        };
        let mut elements = map
            .into_iter()
            .map(|(index, node)| match index.parse::<usize>() {
                Ok(number) => Ok((number, format!("{name}[{index}]"), node)),
                Err(_) => Err(Failure::parameter(&name, "Invalid array")),
            })
            .collect::<Result<Vec<_>, _>>()?;
        elements.sort_by_key(|(number, ..)| *number);
        Ok(elements.into_iter().map(|(_, name, node)| (name, node)).collect())
    }

    /// Merges `metadata` into `into`: an empty value removes its key, an empty `metadata` removes all.
    pub(crate) fn metadata(&mut self, into: &mut Metadata) -> Result<(), Failure> {
        let map = match self.map.remove("metadata") {
            None => return Ok(()),
            Some(Node::Text(text)) if text.is_empty() => {
                into.clear();
                return Ok(());
            }
            Some(Node::Text(_)) => return Err(Failure::parameter(self.name("metadata"), "Invalid object")),
            Some(Node::Map(map)) => map,
        };
        for (key, node) in map {
            let name = format!("{}[{key}]", self.name("metadata"));
            let Node::Text(value) = node else {
                return Err(Failure::parameter(name, "Metadata values must be strings"));
            };
            if key.chars().count() > METADATA_KEY_CHARS {
                return Err(Failure::parameter(
                    name,
                    format!("Metadata keys have at most {METADATA_KEY_CHARS} characters"),
                ));
            }
            if value.chars().count() > METADATA_VALUE_CHARS {
                return Err(Failure::parameter(
                    name,
                    format!("Metadata values have at most {METADATA_VALUE_CHARS} characters"),
                ));
            }
            if value.is_empty() {
                into.remove(&key);
            } else {
                into.insert(key, value);
            }
        }
        if into.len() > METADATA_KEYS {
            return Err(Failure::parameter(
                self.name("metadata"),
                format!("Metadata has at most {METADATA_KEYS} keys"),
            ));
        }
        Ok(())
    }

    /// Takes parameters that have no effect here: looks, languages, wording.
    pub(crate) fn ignore(&mut self, keys: &[&str]) {
        for key in keys {
            self.map.remove(*key);
        }
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if self.map.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = self.map.keys().map(|key| self.name(key)).collect();
        Err(Failure::unknown_parameters(&names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::parse;

    fn params(form: &str) -> Params {
        Params::of(parse(form))
    }

    #[test]
    fn what_is_left_is_unknown() {
        let mut given = params("email=a&data[x]=1&data[y]=2");
        assert_eq!(given.text("email"), Ok(Some("a".to_owned())));
        let mut data = given.nested("data").unwrap().unwrap();
        assert_eq!(data.integer("x"), Ok(Some(1)));
        let refused = data.finish().unwrap_err().body();
        assert_eq!(refused["error"]["param"], "data[y]");
        assert_eq!(refused["error"]["code"], "parameter_unknown");
        assert_eq!(given.finish(), Ok(()));
    }

    #[test]
    fn values_that_do_not_fit() {
        assert!(params("a=x").integer("a").is_err());
        assert!(params("a=1").boolean("a").is_err());
        assert!(params("a[b]=1").text("a").is_err());
        assert!(params("a=1").nested("a").is_err());
        assert!(params("a[b]=1").elements("a").is_err());
        assert_eq!(params("a=").patch("a"), Ok(Patch::Clear));
        assert_eq!(params("").patch("a"), Ok(Patch::Keep));
    }

    #[test]
    fn lists_in_the_order_of_their_numbers() {
        let form: String = (0..12).rev().map(|n| format!("a[{n}]={n}&")).collect();
        let expected: Vec<String> = (0..12).map(|n: i32| n.to_string()).collect();
        assert_eq!(params(&form).texts("a"), Ok(expected));
    }

    #[test]
    fn ranges() {
        // Form, then the moments from 1 to 5 that are in it.
        let cases = [
            ("", vec![1, 2, 3, 4, 5]),
            ("created=3", vec![3]),
            ("created[gt]=3", vec![4, 5]),
            ("created[gte]=2&created[lt]=4", vec![2, 3]),
            ("created[lte]=1", vec![1]),
        ];
        for (form, expected) in cases {
            let range = params(form).range("created").unwrap();
            let found: Vec<i64> = (1..=5).filter(|at| range.has(*at)).collect();
            assert_eq!(found, expected, "{form}");
        }
        assert!(params("created[x]=1").range("created").is_err());
    }

    #[test]
    fn metadata_merges() {
        let mut metadata = Metadata::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
        params("metadata[a]=&metadata[c]=3")
            .metadata(&mut metadata)
            .unwrap();
        assert_eq!(
            metadata,
            Metadata::from([("b".into(), "2".into()), ("c".into(), "3".into())])
        );
        assert!(
            params(&format!("metadata[{}]=1", "k".repeat(41)))
                .metadata(&mut metadata)
                .is_err()
        );
        assert!(
            params(&format!("metadata[k]={}", "v".repeat(501)))
                .metadata(&mut metadata)
                .is_err()
        );
        params("metadata=").metadata(&mut metadata).unwrap();
        assert!(metadata.is_empty());
    }
}
