//! The bytes that a browser downloads for each page: scripts, wasm and styles, as transferred.
//!
//! The app runs as a separate process and serves a release build of the front end with its compressed files. Chromium
//! opens each page with an empty cache (`end2end/bench/bytes.mjs`); this module compares the sizes with their limits.

use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::chromium::{self, ChromiumError};
use crate::ports;

/// 1000 bytes.
const KB: f64 = 1_000.0;

/// Limits in KB for scripts, wasm and styles, by path or path prefix.
const LIMITS: [(&str, f64); 8] = [
    ("/", 80.0),
    ("/sign-in", 80.0),
    ("/sign-up", 80.0),
    ("/pricing", 80.0),
    ("/settings", 80.0),
    ("/polls", 80.0),
    ("/p/", 280.0),
    ("/timeline", 330.0),
];

/// Limit in KB for wasm on any page.
const WASM_MAX: f64 = 250.0;

/// The bytes of one page, as `bytes.mjs` prints them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageBytes {
    /// The page's path.
    pub path: String,
    /// All scripts and styles, except the script that loads the wasm.
    pub scripts_and_styles: u64,
    /// Wasm and the script that loads it.
    pub islands: u64,
    /// Wasm alone.
    pub wasm: u64,
    /// Whether wasm was requested before the page's `load` event.
    pub wasm_before_load: bool,
    /// The document.
    pub document: u64,
}

impl PageBytes {
    /// Returns the limit of the page in KB.
    fn limit(&self) -> Option<f64> {
        LIMITS
            .iter()
            .filter(|(path, _)| match path.strip_suffix('/') {
                Some("") | None => self.path == *path,
                Some(_) => self.path.starts_with(path),
            })
            .map(|(_, limit)| *limit)
            .next()
    }

    /// Returns the bytes that count against the limit. Pages with a limit of 80 KB load their wasm when the browser is idle
    /// after `load`, so it does not count there, but it must not be requested earlier.
    fn counted(&self) -> u64 {
        match self.limit() {
            Some(limit) if limit <= 80.0 => self.scripts_and_styles,
            _ => self.scripts_and_styles + self.islands,
        }
    }

    fn holds(&self) -> bool {
        let within = self
            .limit()
            .is_none_or(|limit| self.counted() as f64 <= limit * KB);
        within && !self.wasm_before_load && self.wasm as f64 <= WASM_MAX * KB
    }
}

/// The bytes of all measured pages.
#[derive(Clone, Debug)]
pub struct BytesReport(Vec<PageBytes>);

impl BytesReport {
    /// Whether every page is within its limits. `false` without pages.
    pub fn holds(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(PageBytes::holds)
    }
}

impl fmt::Display for BytesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "page                     JS + CSS   islands (wasm)   counted / limit   document"
        )?;
        for page in &self.0 {
            let kb = |bytes: u64| format!("{:.1}", bytes as f64 / KB);
            let limit = page
                .limit()
                .map_or_else(|| "-".to_owned(), |limit| format!("{limit:.0}"));
            let mark = if page.holds() { "" } else { "  OVER LIMIT" };
            let path: String = page.path.chars().take(22).collect();
            writeln!(
                f,
                "{path:22} {:>10} {:>9} ({:>5}) {:>9} / {limit:>5} {:>10}{mark}",
                kb(page.scripts_and_styles),
                kb(page.islands),
                kb(page.wasm),
                kb(page.counted()),
                kb(page.document),
            )?;
        }
        write!(f, "KB of 1000 bytes, as transferred (brotli)")
    }
}

/// Measures `program`, the app, with the built front end in `site`; `scripts` is the `end2end` folder.
///
/// # Errors
/// When the app or the Chromium script fails. A page above its limit is no error: see [`BytesReport::holds`].
pub async fn run(program: &Path, site: &Path, scripts: &Path) -> Result<BytesReport, ChromiumError> {
    let folder = tempfile::tempdir()?;
    let client = http_browser::client()?;
    let mut app = chromium::start_app(program, folder.path(), site, ports::find_free()?, &client).await?;
    chromium::sign_up(&client, app.address).await?;
    let measured = chromium::run_script(scripts, "bytes.mjs", app.address, &[]).await?;
    app.check_running()?;
    let pages = serde_json::from_value(measured).map_err(|error| ChromiumError::Script(error.to_string()))?;
    Ok(BytesReport(pages))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, scripts_and_styles: u64, islands: u64) -> PageBytes {
        PageBytes {
            path: path.to_owned(),
            scripts_and_styles,
            islands,
            wasm: islands,
            wasm_before_load: false,
            document: 5_000,
        }
    }

    #[test]
    fn a_page_over_a_limit_fails() {
        for (page, holds) in [
            (page("/", 80_000, 150_000), true),
            (page("/", 80_001, 0), false),
            (page("/sign-in", 79_000, 0), true),
            (page("/p/1", 80_000, 200_000), true),
            (page("/p/1", 80_000, 200_001), false),
            (page("/timeline", 80_000, 250_000), true),
            (page("/lab", 80_000, 250_001), false),
        ] {
            assert_eq!(page.holds(), holds, "{page:?}");
        }
        let early = PageBytes {
            wasm_before_load: true,
            ..page("/", 70_000, 100_000)
        };
        assert!(!BytesReport(vec![early]).holds());
        assert!(!BytesReport(vec![]).holds(), "a report without pages fails");
    }
}
