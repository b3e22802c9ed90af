//! The document around the app.

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::routes::App;
use crate::{security, visit};

/// For search engines.
const DESCRIPTION: &str = "Polls for teams, and a demo of hybrid tracking: browser events and server events, stitched into one story per person.";

/// `<html>`: the boot data first, then the tracking shim, then the app. The shim is deferred, so it runs before the
/// app's module, in the order of the document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    security::set_document_policy();
    let boot = visit::current()
        .map(|visit| visit.boot.to_json_block())
        .unwrap_or_default();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content=DESCRIPTION />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <HashedStylesheet options=options.clone() />
                <script type="application/json" id="boot" inner_html=boot></script>
                <script src="/seam.js" defer></script>
                <AutoReload options=options.clone() />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
