//! Where to go after signing in. The wish comes from a URL, so it is checked before anybody follows it.

/// The path, if it stays on this site; else the polls. A browser reads `//host` and `/\host` as another site, and drops
/// tabs and line ends before it looks.
pub fn safe_next(wished: Option<&str>) -> &str {
    match wished {
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && !path.contains('\\')
                && path.len() <= 500
                && path.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            path
        }
        _ => "/polls",
    }
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
