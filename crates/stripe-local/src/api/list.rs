//! Lists: newest object first, in pages.

use serde_json::{Value, json};

use crate::{
    api_error::{ApiError, ApiResult},
    engine::Operation,
    form::Params,
    records::{RecordKind, Records},
};

const DEFAULT_LIMIT: i64 = 10;
const MAX_LIMIT: i64 = 100;

/// The requested page.
#[derive(Debug, PartialEq, Eq)]
struct Paging {
    limit: usize,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Paging {
    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let limit = params.integer("limit")?.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(ApiError::invalid_parameter(
                "limit",
                format!("limit must be between 1 and {MAX_LIMIT}"),
            ));
        }
        let paging = Self {
            limit: usize::try_from(limit).unwrap_or(1),
            starting_after: params.non_empty("starting_after")?,
            ending_before: params.non_empty("ending_before")?,
        };
        if paging.starting_after.is_some() && paging.ending_before.is_some() {
            return Err(ApiError::invalid_request(
                "Use only one of starting_after and ending_before.",
            ));
        }
        Ok(paging)
    }

    /// The range of the page in `ids` (newest first), and whether there are more objects.
    fn select(&self, ids: &[&str]) -> Result<(std::ops::Range<usize>, bool), ApiError> {
        let position = |id: &str, param: &str| {
            ids.iter()
                .position(|known| *known == id)
                .ok_or_else(|| ApiError::no_such_object("object", id, param))
        };
        if let Some(id) = &self.ending_before {
            let end = position(id, "ending_before")?;
            let start = end.saturating_sub(self.limit);
            return Ok((start..end, start > 0));
        }
        let start = match &self.starting_after {
            Some(id) => position(id, "starting_after")? + 1,
            None => 0,
        };
        let end = (start + self.limit).min(ids.len());
        Ok((start..end, end < ids.len()))
    }
}

/// A page of the records that `is_included` selects: of all, or of those with the ID `parent` in one of the fields that
/// `define_records` names. `params` must have no other parameters than those for paging.
pub(super) fn list_page<T: RecordKind>(
    operation: &Operation<'_>,
    mut params: Params,
    url: &str,
    parent: Option<&str>,
    is_included: impl Fn(&T) -> bool,
    show: impl Fn(&Records, &T) -> Value,
) -> ApiResult {
    let paging = Paging::parse(&mut params)?;
    params.finish()?;
    let is_included = |record: &&T| is_included(record);
    let all: Vec<&T> = match parent {
        Some(id) => operation.records.children(id).rev().filter(is_included).collect(),
        None => operation.records.all().rev().filter(is_included).collect(),
    };
    let ids: Vec<&str> = all.iter().map(|record| record.id()).collect();
    let (range, has_more) = paging.select(&ids)?;
    let data: Vec<Value> = all[range]
        .iter()
        .map(|record| show(operation.records, record))
        .collect();
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::parse;

    #[test]
    fn pages_are_selected_by_limit_and_cursor() {
        let ids = ["e", "d", "c", "b", "a"];
        // Query, IDs of the page, whether there are more.
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
            let paging = Paging::parse(&mut Params::new(parse(query).unwrap())).unwrap();
            let (range, has_more) = paging.select(&ids).unwrap();
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
            assert!(
                Paging::parse(&mut Params::new(parse(query).unwrap())).is_err(),
                "{query}"
            );
        }
        let paging = Paging::parse(&mut Params::new(parse("starting_after=x").unwrap())).unwrap();
        assert!(paging.select(&ids).is_err());
    }
}
