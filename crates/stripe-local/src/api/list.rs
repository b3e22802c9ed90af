//! Lists: newest first, a page at a time.

use serde_json::{Value, json};

use crate::{
    engine::Work,
    failure::{Answer, Failure},
    form::Params,
    world::{Stored, World},
};

const USUAL: i64 = 10;
const MOST: i64 = 100;

/// Which part of a list is wanted.
#[derive(Debug, PartialEq, Eq)]
struct Paging {
    limit: usize,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Paging {
    fn take(params: &mut Params) -> Result<Self, Failure> {
        let limit = params.integer("limit")?.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Failure::parameter(
                "limit",
                format!("limit must be between 1 and {MOST}"),
            ));
        }
        let paging = Self {
            limit: usize::try_from(limit).unwrap_or(1),
            starting_after: params.filled("starting_after")?,
            ending_before: params.filled("ending_before")?,
        };
        if paging.starting_after.is_some() && paging.ending_before.is_some() {
            return Err(Failure::invalid(
                "Use only one of starting_after and ending_before.",
            ));
        }
        Ok(paging)
    }

    /// The page of `ids` (newest first) as a range, and whether there is more beyond it.
    fn cut(&self, ids: &[&str]) -> Result<(std::ops::Range<usize>, bool), Failure> {
        let place = |id: &str, param: &str| {
            ids.iter()
                .position(|known| *known == id)
                .ok_or_else(|| Failure::missing("object", id, param))
        };
        if let Some(id) = &self.ending_before {
            let end = place(id, "ending_before")?;
            let start = end.saturating_sub(self.limit);
            return Ok((start..end, start > 0));
        }
        let start = match &self.starting_after {
            Some(id) => place(id, "starting_after")? + 1,
            None => 0,
        };
        let end = (start + self.limit).min(ids.len());
        Ok((start..end, end < ids.len()))
    }
}

/// A page of all records that `keep` keeps. What is left of `params` must be about paging.
pub(super) fn page<T: Stored>(
    work: &Work<'_>,
    mut params: Params,
    url: &str,
    keep: impl Fn(&T) -> bool,
    show: impl Fn(&World, &T) -> Value,
) -> Answer {
    let paging = Paging::take(&mut params)?;
    params.finish()?;
    let all: Vec<&T> = work
        .world
        .all::<T>()
        .rev()
        .filter(|record| keep(record))
        .collect();
    let ids: Vec<&str> = all.iter().map(|record| record.id()).collect();
    let (range, has_more) = paging.cut(&ids)?;
    let data: Vec<Value> = all[range].iter().map(|record| show(work.world, record)).collect();
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::parse;

    #[test]
    fn pages() {
        let ids = ["e", "d", "c", "b", "a"];
        // Query, the page, whether there is more.
        let cases = [
            ("", "edcba", false),
            ("limit=2", "ed", true),
            ("limit=2&starting_after=d", "cb", true),
            ("limit=2&starting_after=c", "ba", false),
            ("starting_after=a", "", false),
            ("limit=2&ending_before=b", "dc", true),
            ("limit=3&ending_before=b", "edc", false),
            ("ending_before=e", "", false),
        ];
        for (query, expected, more) in cases {
            let paging = Paging::take(&mut Params::of(parse(query))).unwrap();
            let (range, has_more) = paging.cut(&ids).unwrap();
            assert_eq!(
                (ids[range].concat().as_str(), has_more),
                (expected, more),
                "{query}"
            );
        }
        for query in [
            "limit=0",
            "limit=101",
            "limit=x",
            "starting_after=a&ending_before=b",
        ] {
            assert!(Paging::take(&mut Params::of(parse(query))).is_err(), "{query}");
        }
        let paging = Paging::take(&mut Params::of(parse("starting_after=x"))).unwrap();
        assert!(paging.cut(&ids).is_err());
    }
}
