//! Reading a page. Pure.

use scraper::{ElementRef, Html, Selector};
use serde_json::Value;

/// A form of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HtmlForm {
    /// `action`; empty where the form has none.
    pub action: String,
    /// Names and values of the hidden fields, in the order of the form.
    pub hidden_fields: Vec<(String, String)>,
}

pub(crate) fn forms(html: &str) -> Vec<HtmlForm> {
    let document = Html::parse_document(html);
    let (form, hidden) = (selector("form"), selector("input[type=hidden][name]"));
    document
        .select(&form)
        .map(|form| HtmlForm {
            action: attribute(form, "action"),
            hidden_fields: form
                .select(&hidden)
                .map(|field| (attribute(field, "name"), attribute(field, "value")))
                .collect(),
        })
        .collect()
}

pub(crate) fn links(html: &str) -> Vec<String> {
    let document = Html::parse_document(html);
    document
        .select(&selector("a[href]"))
        .map(|link| attribute(link, "href"))
        .collect()
}

pub(crate) fn embedded_json(html: &str, id: &str) -> Option<Value> {
    let document = Html::parse_document(html);
    let scripts = selector("script");
    let mut scripts = document.select(&scripts);
    let script = scripts.find(|script| script.attr("id") == Some(id))?;
    serde_json::from_str(&script.text().collect::<String>()).ok()
}

fn attribute(element: ElementRef<'_>, name: &str) -> String {
    element.attr(name).unwrap_or_default().to_owned()
}

fn selector(text: &'static str) -> Selector {
    Selector::parse(text).expect("the selectors of this file are valid")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PAGE: &str = r#"<!doctype html><html><head>
        <script id="boot" type="application/json">{"user": "a<b", "list": [1]}</script>
        <script id="broken">{</script>
        </head><body><a href="/polls">Polls</a><a>no target</a><a href="/p/1?a=1&amp;b=2">One</a>
        <form action="/pricing" method="post">
            <input type="hidden" name="form" value="one &quot;two&quot;"><input type="hidden" value="no name">
            <input name="email" value="typed"><button name="interval" value="month">Month</button>
        </form>
        <form><input name="run" value="all" type="hidden"></form></body></html>"#;

    #[test]
    fn a_form_has_its_action_and_its_hidden_fields() {
        let form = |action: &str, name: &str, value: &str| HtmlForm {
            action: action.to_owned(),
            hidden_fields: vec![(name.to_owned(), value.to_owned())],
        };
        assert_eq!(
            forms(PAGE),
            [form("/pricing", "form", "one \"two\""), form("", "run", "all")]
        );
        assert_eq!(forms("<p>none</p>"), []);
    }

    #[test]
    fn links_are_read_in_the_order_of_the_page() {
        assert_eq!(links(PAGE), ["/polls", "/p/1?a=1&b=2"]);
    }

    #[test]
    fn embedded_json_is_found_by_its_id() {
        let table = [
            ("boot", Some(json!({"user": "a<b", "list": [1]}))),
            ("broken", None),
            ("missing", None),
        ];
        for (id, expected) in table {
            assert_eq!(embedded_json(PAGE, id), expected, "{id}");
        }
    }
}
