//! What the browser's device can do with a link or a file: its clipboard, its share sheet, its downloads.

use js_sys::{Array, Object, Promise, Reflect};
use leptos::prelude::{document, window};
use leptos::wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["navigator", "clipboard"], js_name = writeText, catch)]
    fn write_text(text: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = navigator, js_name = share, catch)]
    fn share(data: &Object) -> Result<Promise, JsValue>;

    type Blob;

    #[wasm_bindgen(constructor)]
    fn new(parts: &Array, options: &Object) -> Blob;

    #[wasm_bindgen(js_namespace = URL, js_name = createObjectURL)]
    fn create_object_url(blob: &Blob) -> String;

    #[wasm_bindgen(js_namespace = URL, js_name = revokeObjectURL)]
    fn revoke_object_url(url: &str);
}

/// Puts the text on the clipboard. `false`: the browser does not allow it.
pub async fn copy(text: String) -> bool {
    match write_text(&text) {
        Ok(done) => JsFuture::from(done).await.is_ok(),
        Err(_) => false,
    }
}

/// Whether there is a share sheet.
pub fn can_share() -> bool {
    Reflect::get(&window(), &"navigator".into())
        .and_then(|navigator| Reflect::has(&navigator, &"share".into()))
        .unwrap_or(false)
}

/// Opens the share sheet. `false`: the person has closed it again, or there is none.
pub async fn share_link(title: String, url: String) -> bool {
    let data = object(&[("title", &title), ("url", &url)]);
    match share(&data) {
        Ok(done) => JsFuture::from(done).await.is_ok(),
        Err(_) => false,
    }
}

/// Saves the text as a file.
pub fn save(name: &str, text: &str) {
    let parts = Array::of1(&text.into());
    let blob = Blob::new(&parts, &object(&[("type", "text/csv;charset=utf-8")]));
    let url = create_object_url(&blob);
    let link = document().create_element("a").ok();
    if let Some(link) = link.and_then(|link| link.dyn_into::<HtmlElement>().ok()) {
        // Setting an attribute fails only for names that are none.
        let _ = link.set_attribute("href", &url);
        let _ = link.set_attribute("download", name);
        link.click();
    }
    revoke_object_url(&url);
}

fn object(pairs: &[(&str, &str)]) -> Object {
    let object = Object::new();
    for (key, value) in pairs {
        // Setting a field of a fresh object does not fail.
        let _ = Reflect::set(&object, &(*key).into(), &(*value).into());
    }
    object
}
