//! Addresses of views: what is shown stands in the URL, so a view can be handed on.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tracking::story_page::{Filter, InSession};

use super::api::Asked;

/// The page that shows this.
pub fn page(asked: &Asked) -> String {
    with_query("/timeline", &pairs(asked))
}

/// An event's own address: the page that has it, at the place where it stands.
pub fn event(find: Option<&str>, uuid: &str) -> String {
    let asked = Asked {
        find: find.map(str::to_owned),
        event: Some(uuid.to_owned()),
        ..Asked::default()
    };
    format!("{}#event-{uuid}", page(&asked))
}

/// One session alone.
pub fn session(asked: &Asked, session: i64) -> String {
    page(&Asked {
        filter: Filter {
            session: Some(InSession::Of(session)),
            ..asked.filter.clone()
        },
        ..beginning(asked)
    })
}

/// The same view from its beginning.
pub fn beginning(asked: &Asked) -> Asked {
    Asked {
        older: None,
        event: None,
        ..asked.clone()
    }
}

/// A file with what the view shows.
pub fn export(asked: &Asked, format: &str) -> String {
    let mut pairs = pairs(&beginning(asked));
    pairs.push(("format", format.to_owned()));
    with_query("/timeline/export", &pairs)
}

/// The verdict as JSON.
pub fn verdict(find: Option<&str>) -> String {
    let pairs: Vec<_> = find.map(|find| ("find", find.to_owned())).into_iter().collect();
    with_query("/timeline/verdict", &pairs)
}

fn pairs(asked: &Asked) -> Vec<(&'static str, String)> {
    let one = |key, text: &Option<String>| text.clone().map(|text| (key, text));
    let mut pairs: Vec<_> = one("find", &asked.find).into_iter().collect();
    pairs.extend(asked.filter.pairs());
    pairs.extend(one("older", &asked.older));
    // `event` is the filter's word.
    pairs.extend(one("at", &asked.event));
    pairs
}

fn with_query(path: &str, pairs: &[(&'static str, String)]) -> String {
    let pair =
        |(key, text): &(&str, String)| format!("{key}={}", utf8_percent_encode(text, NON_ALPHANUMERIC));
    let query: Vec<String> = pairs.iter().map(pair).collect();
    match query.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", query.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_have_addresses() {
        let asked = Asked {
            find: Some("a&b".into()),
            filter: Filter {
                event: Some("Poll created".into()),
                ..Filter::default()
            },
            older: Some("120.5".into()),
            event: None,
        };
        assert_eq!(page(&Asked::default()), "/timeline");
        assert_eq!(
            page(&asked),
            "/timeline?find=a%26b&event=Poll%20created&older=120%2E5"
        );
        assert_eq!(
            session(&asked, 7),
            "/timeline?find=a%26b&event=Poll%20created&session=7"
        );
        assert_eq!(
            export(&asked, "csv"),
            "/timeline/export?find=a%26b&event=Poll%20created&format=csv"
        );
        assert_eq!(event(None, "u-1"), "/timeline?at=u%2D1#event-u-1");
        assert_eq!(verdict(Some("x")), "/timeline/verdict?find=x");
    }
}
