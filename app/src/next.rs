//! Where to go after signing in, or after a choice: `?next=` of a page. It comes from outside, so it is checked before it is
//! followed.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::document::query_value;

/// Readable in a query, and of no meaning there.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// `?next=` of the page that is rendered.
pub fn next_of_page() -> Option<String> {
    query_value("next")
}

/// The page, with where to go on to after it, if that is a path of this site.
pub fn with_next(page: &str, next: Option<&str>) -> String {
    match safe_path(next) {
        Some(next) => format!("{page}?next={}", utf8_percent_encode(next, QUERY)),
        None => page.to_owned(),
    }
}

/// The path, if it stays on this site; else the polls.
pub fn safe_next(wished: Option<&str>) -> &str {
    safe_path(wished).unwrap_or("/polls")
}

/// The path, if it stays on this site. A browser reads `//host` and `/\host` as another site, and drops tabs and line ends
/// before it looks.
pub fn safe_path(wished: Option<&str>) -> Option<&str> {
    wished.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains('\\')
            && path.len() <= 500
            && path.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_where_to_go_on_to() {
        assert_eq!(
            with_next("/sign-up", Some("/p/1?a=b&c=d")),
            "/sign-up?next=/p/1%3Fa%3Db%26c%3Dd"
        );
        assert_eq!(with_next("/sign-up", Some("//evil.example")), "/sign-up");
        assert_eq!(with_next("/sign-up", None), "/sign-up");
    }

    #[test]
    fn only_paths_of_this_site() {
        for good in ["/", "/polls", "/timeline?find=a%20b#x"] {
            assert_eq!(safe_next(Some(good)), good);
        }
        let long = format!("/{}", "x".repeat(600));
        for bad in [
            "",
            "polls",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil",
            "/a\r\nb",
            &long,
        ] {
            assert_eq!(safe_next(Some(bad)), "/polls", "{bad:?}");
        }
        assert_eq!(safe_next(None), "/polls");
    }
}
