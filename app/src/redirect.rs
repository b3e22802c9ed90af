//! Redirects, and the path of the redirect after a sign-in or a choice: `?next=` of a page. It is user input, so only paths of
//! this site are followed.

use leptos::prelude::*;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::document::{self, query_value};

/// Characters that are percent-encoded in the value. The others have no meaning in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// Sets the response to a redirect to a path of this site.
#[component]
pub fn Redirect(#[prop(into)] path: String) -> impl IntoView {
    document::redirect(&path);
}

/// `?next=` of the page that is being rendered.
pub fn next_of_page() -> Option<String> {
    query_value("next")
}

/// The page's path with `?next=`, if `next` is a path of this site; else without.
pub fn with_next(page: &str, next: Option<&str>) -> String {
    match safe_path(next) {
        Some(next) => format!("{page}?next={}", utf8_percent_encode(next, QUERY)),
        None => page.to_owned(),
    }
}

/// `requested`, if it is a path of this site; else the list of polls.
pub fn safe_next(requested: Option<&str>) -> &str {
    safe_path(requested).unwrap_or("/polls")
}

/// `requested`, if it is a path of this site. Browsers read `//host` and `/\host` as another site, and first remove tabs and
/// line ends.
pub fn safe_path(requested: Option<&str>) -> Option<&str> {
    requested.filter(|path| {
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
    fn a_path_of_this_site_is_kept_in_the_query() {
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

    #[test]
    fn fuzz_redirects() {
        let corpus = [
            "/timeline?find=a%20b#x",
            "/p/0193b7c4-3a52-7d11-8e0e-0a6a3c2f9b01?a=b&c=d",
            "/a/../b/./..;x=@evil.example:80",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
        ];
        let tokens = [
            "/", "//", "\\", "\t", "\n", ":", "@", "?", "#", "%2f", "%5c", "..", ";",
        ];
        let site = url::Url::parse("https://seamline.example/sign-in").unwrap();
        fuzzing::fuzz("redirects", &tokens, &corpus, |input| {
            let requested = String::from_utf8_lossy(input);
            let Some(path) = safe_path(Some(&requested)) else {
                return false;
            };
            let target = site.join(path).unwrap();
            assert_eq!(target.origin(), site.origin(), "{path} stays on this site");
            assert!(target.username().is_empty() && target.password().is_none());
            let page = site.join(&with_next("/sign-up", Some(path))).unwrap();
            let query: Vec<_> = page.query_pairs().collect();
            assert_eq!(
                query,
                [("next".into(), path.into())],
                "the page receives the path"
            );
            true
        });
    }
}
