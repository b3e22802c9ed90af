//! Files of the build. Their URLs contain a digest of the files, so browsers may keep them without asking again. The build
//! has compressed them already; they are served as they are.

use std::path::Path;

use app::assets::Assets;
use axum::Router;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
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

/// For a year, the longest time that browsers keep a file.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The URLs of the files below `site_root`. A missing file (the front was not built) is not part of the digest, and is a 404.
pub fn of_build(site_root: &Path) -> Assets {
    let mut digest = Sha256::new();
    for file in FILES {
        if let Ok(content) = std::fs::read(site_root.join(file)) {
            digest.update(file.as_bytes());
            digest.update(content);
        }
    }
    let digest = digest.finalize();
    let build: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Assets::of_build(&build)
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
    Router::new().nest_service(state.assets.root(), files).layer(keep)
}
