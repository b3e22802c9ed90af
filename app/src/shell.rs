//! The document around the app.

use leptos::prelude::*;
use leptos::tachys::html::InertElement;
use leptos_meta::{MetaTags, provide_meta_context};

use crate::assets::Assets;
use crate::page::provide_page;
use crate::routes::{App, page_of_path};
use crate::{request, security};

/// For search engines.
const DESCRIPTION: &str =
    "Polls for teams, and a demo of hybrid tracking: browser and server events in one timeline per person.";

/// The document of the request's path, with the boot data, the stylesheet, and `seam.js`. The script is deferred, and loads the
/// wasm of islands where it finds any: a document without an island names no other script.
pub fn shell(options: LeptosOptions, assets: Assets) -> impl IntoView {
    security::set_document_policy();
    if let Some(context) = Owner::current_shared_context() {
        // Pages are not hydrated; islands switch it on for themselves.
        context.set_is_hydrating(false);
    }
    provide_meta_context();
    provide_page();
    let page = page_of_path();
    // The page's data are awaited first. Then one call writes the document. Leptos' stream would make two strings for each
    // element.
    Suspend::new(async move {
        let page = page.resolve().await;
        InertElement::new(html(options, &assets, page).to_html())
    })
}

fn html(options: LeptosOptions, assets: &Assets, page: AnyView) -> impl IntoView + use<> {
    let boot = request::with_current(|context| context.boot.to_json_block()).unwrap_or_default();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content=DESCRIPTION />
                <link rel="icon" href=assets.url("favicon.svg") type="image/svg+xml" />
                <style inner_html=security::VIEW_TRANSITION></style>
                <link rel="stylesheet" id="leptos" href=assets.url("pkg/seamline.css") />
                <script type="application/json" id="boot" inner_html=boot></script>
                <script
                    src=assets.url("seam.js")
                    data-islands=assets.url("pkg/seamline.js")
                    data-wasm=assets.url("pkg/seamline.wasm")
                    defer
                ></script>
                <AutoReload options />
                <MetaTags />
            </head>
            <body>
                <App page />
            </body>
        </html>
    }
}
