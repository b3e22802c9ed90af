//! Where to go after signing in, or after a choice. The wish comes from outside, so it is checked before anybody follows it.

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
