//! What a browser downloads for each page: scripts, wasm and styles, as they come over the wire.
//!
//! The app runs as a process of its own and serves a release build of the front, compressed by the build. Chromium opens each
//! page with an empty cache (`end2end/bench/bytes.mjs`); this holds the figures against what was promised.

use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::demo::{self, DemoError};
use crate::{browser, ports};

/// A thousand bytes, as file sizes are usually given.
const KB: f64 = 1_000.0;

/// Most KB of all scripts, wasm and styles of a page.
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

/// Most KB of wasm, on any page.
const WASM_MAX: f64 = 250.0;

/// What the browser measured on a page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageBytes {
    /// The page's path.
    pub path: String,
    /// Scripts and styles that came before the page's `load` event, and those that were asked for after it.
    pub scripts_and_styles: u64,
    /// Wasm and the script that loads it.
    pub islands: u64,
    /// Wasm alone.
    pub wasm: u64,
    /// Wasm was asked for before the page's `load` event.
    pub wasm_before_load: bool,
    /// The document.
    pub document: u64,
}

impl PageBytes {
    /// Most KB that were promised for the page.
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

    /// Bytes that the limit is about. The wasm of a page of 80 KB is loaded when the browser is idle after `load`: it is no
    /// part of them, but it must not come earlier.
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

/// All pages.
#[derive(Clone, Debug)]
pub struct Report(Vec<PageBytes>);

impl Report {
    /// Whether every page keeps to its limit.
    pub fn holds(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(PageBytes::holds)
    }
}

impl fmt::Display for Report {
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
            let mark = if page.holds() { "" } else { "  TOO MUCH" };
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
        write!(f, "KB of 1000 bytes, as they come over the wire (brotli)")
    }
}

/// Measures `program`, the app, which serves the front in `site`; `scripts` is the folder of the browser tests.
///
/// # Errors
/// When anything but the figures is out of the ordinary.
pub async fn run(program: &Path, site: &Path, scripts: &Path) -> Result<Report, DemoError> {
    let folder = tempfile::tempdir()?;
    let client = browser::client()?;
    let mut app = demo::start(program, folder.path(), site, ports::free()?, &client).await?;
    demo::sign_up(&client, app.address).await?;
    let measured = demo::drive(scripts, "bytes.mjs", app.address, &[]).await?;
    app.is_alive()?;
    let pages = serde_json::from_value(measured).map_err(|error| DemoError::Browser(error.to_string()))?;
    Ok(Report(pages))
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
    fn a_page_keeps_to_its_limit_or_fails() {
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
        assert!(!Report(vec![early]).holds());
        assert!(!Report(vec![]).holds(), "no page is no result");
    }
}
