//! URLs of the timeline. A URL has everything that the page shows, so a link can be shared.

use tracking::timeline_page::{Filter, SessionFilter};
use url::form_urlencoded::Serializer;

use super::card::TimelineCard;
use super::model::TimelineQuery;

/// The page for this query.
pub(super) fn page_url(query: &TimelineQuery) -> String {
    with_query("/timeline", pairs(query))
}

/// The page that shows this event open, scrolled to it.
pub(crate) fn event_url(find: Option<&str>, uuid: &str) -> String {
    let find = find.map(|find| ("find", find));
    let mut url = with_query("/timeline", find.into_iter().chain([("at", uuid)]));
    url.push_str("#event-");
    url.push_str(uuid);
    url
}

/// The page with this card open too.
pub(super) fn card_url(query: &TimelineQuery, card: TimelineCard) -> String {
    let mut query = query.clone();
    query.open.push(card);
    format!("{}#{}", page_url(&query), card.id())
}

/// Only this session.
pub(super) fn session_url(query: &TimelineQuery, session: i64) -> String {
    page_url(&TimelineQuery {
        filter: Filter {
            session: Some(SessionFilter::Id(session)),
            ..query.filter.clone()
        },
        ..query.first_page()
    })
}

/// A file with all events that match the filter.
pub(super) fn export_url(query: &TimelineQuery, format: &str) -> String {
    let mut pairs = pairs(&query.first_page());
    pairs.push(("format", format.to_owned()));
    with_query("/timeline/export", pairs)
}

/// The verdict as JSON.
pub(super) fn verdict_url(find: Option<&str>) -> String {
    with_query("/timeline/verdict", find.map(|find| ("find", find)))
}

/// The feed that announces new events. It has the filter, so that it can say which of them the page would show.
pub(super) fn feed_url(query: &TimelineQuery) -> String {
    with_query("/timeline/live", pairs(&query.first_page()))
}

fn pairs(query: &TimelineQuery) -> Vec<(&'static str, String)> {
    let one = |key, text: &Option<String>| text.clone().map(|text| (key, text));
    let mut pairs: Vec<_> = one("find", &query.find).into_iter().collect();
    pairs.extend(query.filter.pairs());
    pairs.extend(one("older", &query.older));
    // The filter uses the key `event`.
    pairs.extend(one("at", &query.event));
    if !query.open.is_empty() {
        let ids: Vec<&str> = query.open.iter().copied().map(TimelineCard::id).collect();
        pairs.push(("open", ids.join(",")));
    }
    pairs
}

fn with_query(path: &str, pairs: impl IntoIterator<Item = (&'static str, impl AsRef<str>)>) -> String {
    let mut pairs = pairs.into_iter().peekable();
    if pairs.peek().is_none() {
        return path.to_owned();
    }
    let url = format!("{path}?");
    let start = url.len();
    Serializer::for_suffix(url, start).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_a_url() {
        let query = TimelineQuery {
            find: Some("a&b".into()),
            filter: Filter {
                event: Some("Poll created".into()),
                ..Filter::default()
            },
            older: Some("120.5".into()),
            ..TimelineQuery::default()
        };
        assert_eq!(page_url(&TimelineQuery::default()), "/timeline");
        assert_eq!(
            page_url(&query),
            "/timeline?find=a%26b&event=Poll+created&older=120.5"
        );
        assert_eq!(
            session_url(&query, 7),
            "/timeline?find=a%26b&event=Poll+created&session=7"
        );
        assert_eq!(
            export_url(&query, "csv"),
            "/timeline/export?find=a%26b&event=Poll+created&format=csv"
        );
        assert_eq!(event_url(None, "u-1"), "/timeline?at=u-1#event-u-1");
        let opened = TimelineQuery {
            event: Some("u-1".into()),
            open: vec![TimelineCard::Person],
            ..query.clone()
        };
        assert_eq!(
            card_url(&opened, TimelineCard::Verdict),
            "/timeline?find=a%26b&event=Poll+created&older=120.5&at=u-1&open=person%2Cverdict#verdict"
        );
        assert_eq!(verdict_url(Some("x")), "/timeline/verdict?find=x");
        assert_eq!(feed_url(&query), "/timeline/live?find=a%26b&event=Poll+created");
    }
}
