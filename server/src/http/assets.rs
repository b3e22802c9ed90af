//! Files of the build. Their URLs contain a digest of the files, so browsers may keep them without asking again. The build
//! has compressed them already; they are served as they are. Files of other builds come from the database.

use std::path::Path;

use app::assets::Assets;
use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use backend::asset_builds::AssetFile;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::state::AppState;

/// Files that pages name.
const FILES: [&str; 6] = [
    "favicon.svg",
    "pkg/seamline.css",
    "pkg/seamline.js",
    "pkg/seamline.wasm",
    "seam.js",
    app::tracking::boot::SDK_FILE,
];

/// Encodings of files, with the endings that the build gives them. The first one that the client accepts is sent.
const ENCODINGS: [(&str, &str); 3] = [("br", ".br"), ("gzip", ".gz"), ("", "")];

/// For a year, the longest time that browsers keep a file.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The files that the build made.
pub struct SiteBuild {
    /// A digest of the files.
    pub name: String,
    /// The files as they are stored for other servers. Empty for a development build, whose files are not compressed: it
    /// has one server.
    pub stored: Vec<AssetFile>,
}

impl SiteBuild {
    /// Reads the files below `site_root`. A missing file (the front was not built) is not part of the digest, and is a 404.
    pub fn read(site_root: &Path) -> Self {
        let mut digest = Sha256::new();
        let mut stored = Vec::new();
        for path in FILES {
            for (encoding, ending) in ENCODINGS {
                let Ok(content) = std::fs::read(site_root.join(format!("{path}{ending}"))) else {
                    continue;
                };
                if encoding.is_empty() {
                    digest.update(path.as_bytes());
                    digest.update(&content);
                }
                stored.push(AssetFile {
                    path: path.to_owned(),
                    encoding: encoding.to_owned(),
                    content,
                });
            }
        }
        if stored.iter().all(|file| file.encoding.is_empty()) {
            stored.clear();
        }
        let digest = digest.finalize();
        let name = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { name, stored }
    }

    /// The URLs of the files.
    pub fn assets(&self) -> Assets {
        Assets::of_build(&self.name)
    }
}

/// The files that pages name and that are not below `site_root`.
pub fn missing_files(site_root: &Path) -> Vec<&'static str> {
    let is_missing = |file: &&str| !site_root.join(file).is_file();
    FILES.into_iter().filter(is_missing).collect()
}

/// Serves the files. They are the same for all visitors, so these routes have no login and identity layers.
pub fn routes(state: &AppState) -> Router<AppState> {
    let files = ServeDir::new(state.leptos.site_root.as_ref())
        .precompressed_br()
        .precompressed_gzip();
    // An error is not immutable: a file may be missing while a new build is copied.
    let keep = SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, |response: &Response| {
        let is_file = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
        is_file.then_some(IMMUTABLE)
    });
    let of_another_build = format!("{}/{{build}}/{{*file}}", Assets::PREFIX);
    Router::new()
        .nest_service(state.assets.root(), files)
        .route(&of_another_build, get(file_of_another_build))
        .layer(keep)
}

/// A file of a build that other servers have, or had until today.
async fn file_of_another_build(
    State(state): State<AppState>,
    UrlPath((build, path)): UrlPath<(String, String)>,
    headers: HeaderMap,
) -> Response {
    // Postgres refuses such text, which is no failure of the server.
    if build.contains('\0') || path.contains('\0') {
        return StatusCode::NOT_FOUND.into_response();
    }
    let found = state.backend.asset_builds.file(&build, &path).await;
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot read a file of another build"
            );
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let accepted: Vec<&str> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let Some(file) = best(found, &accepted.join(",")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = mime_guess::from_path(&path).first_or_octet_stream();
    let mut response = file.content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    for (name, text) in [
        (header::CONTENT_TYPE, kind.as_ref()),
        (header::CONTENT_ENCODING, &file.encoding),
    ] {
        if let Ok(value) = HeaderValue::from_str(text)
            && !text.is_empty()
        {
            headers.insert(name, value);
        }
    }
    response
}

/// The file in the first of [`ENCODINGS`] that the client accepts.
fn best(mut files: Vec<AssetFile>, accept_encoding: &str) -> Option<AssetFile> {
    let accepts = |encoding: &str| {
        encoding.is_empty()
            || accept_encoding.split(',').any(|entry| {
                let mut parts = entry.split(';').map(str::trim);
                let is_this = parts
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case(encoding));
                is_this && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
            })
    };
    let position = ENCODINGS
        .iter()
        .filter(|(encoding, _)| accepts(encoding))
        .find_map(|(encoding, _)| files.iter().position(|file| file.encoding == *encoding))?;
    Some(files.swap_remove(position))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_accepted_encoding_is_sent() {
        let all = ["", "gzip", "br"];
        for (stored, accepted, expected) in [
            (&all[..], "gzip, deflate, br, zstd", Some("br")),
            (&all, "gzip", Some("gzip")),
            (&all, "BR;q=0.5", Some("br")),
            (&all, "br;q=0, gzip; q=1", Some("gzip")),
            (&all, "", Some("")),
            (&[""], "gzip, br", Some("")),
            (&["br"], "gzip", None),
            (&[], "br", None),
        ] {
            let files = stored.iter().map(|encoding| AssetFile {
                path: "seam.js".to_owned(),
                encoding: (*encoding).to_owned(),
                content: Vec::new(),
            });
            let found = best(files.collect(), accepted).map(|file| file.encoding);
            assert_eq!(found.as_deref(), expected, "{stored:?} {accepted}");
        }
    }
}
