//! The page for a request that failed outside of the app. It needs no request context, no database and no script, so it cannot fail
//! for the same reason.

use leptos::prelude::*;

use crate::assets::Assets;
use crate::not_found::LooseThread;

/// The texts of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    /// Heading and title, without characters that mean something in HTML: a title holds no elements, and so none of
    /// Leptos' markers around a text.
    pub title: &'static str,
    /// The failure, and what the visitor can do.
    pub sentence: &'a str,
    /// The URLs of its stylesheet and icon.
    pub assets: &'a Assets,
}

/// The whole document. It has no script and loads the stylesheet and the icon only.
pub fn failure_page(failure: Failure<'_>) -> String {
    let Failure {
        title,
        sentence,
        assets,
    } = failure;
    let page = view! {
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <title inner_html=format!("{title} · Seamline")></title>
                <link rel="icon" href=assets.url("favicon.svg") type="image/svg+xml" />
                <link rel="stylesheet" href=assets.url("pkg/seamline.css") />
            </head>
            <body>
                <main>
                    <section class="narrow empty">
                        <LooseThread />
                        <h1>{title}</h1>
                        <p>{sentence.to_owned()}</p>
                        <p>
                            <a class="button" href="/">
                                "Go to the start page"
                            </a>
                        </p>
                    </section>
                </main>
            </body>
        </html>
    };
    format!("<!DOCTYPE html>{}", page.to_html())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_is_escaped() {
        let html = failure_page(Failure {
            title: "Too large",
            sentence: "<script>alert(1)</script> & more",
            assets: &Assets::of_build("1"),
        });
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{html}");
        assert!(html.contains("<title>Too large · Seamline</title>"), "{html}");
        assert!(
            html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"),
            "{html}"
        );
        assert!(!html.contains("<script"), "{html}");
        assert!(
            html.contains("<link rel=\"stylesheet\" href=\"/assets/1/pkg/seamline.css\""),
            "{html}"
        );
    }
}
