//! Files of the build. Their URLs name the build, by a digest of its files, and the build has compressed them: so they are
//! served as they are, and a browser keeps them for ever.

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

/// A browser need not ask again for a year, which is as long as it keeps anything.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The files below `site_root`. A file that is missing (the front was not built) has no part in the name, and is a 404.
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

/// Serves them. They know no visitor, so they pass by the login and identity layers.
pub fn routes(state: &AppState) -> Router<AppState> {
    let files = ServeDir::new(state.leptos.site_root.as_ref())
        .precompressed_br()
        .precompressed_gzip();
    // An error is not immutable: a file may be missing only while a new build is copied.
    let keep = SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, |response: &Response| {
        let is_file = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
        is_file.then_some(IMMUTABLE)
    });
    Router::new().nest_service(state.assets.root(), files).layer(keep)
}
