//! Tracking in the browser, over `window.seam`.

use bytes::Bytes;
use futures::{Sink, Stream};
use leptos::ev::SubmitEvent;
use leptos::prelude::{set_timeout, window};
use leptos::server_fn::client::{Client, browser::BrowserClient};
use leptos::server_fn::error::FromServerFnError;
use leptos::server_fn::request::browser::{BrowserRequest, Request};
use leptos::server_fn::response::browser::BrowserResponse;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use send_wrapper::SendWrapper;
use std::time::Duration;
use tracking::{ClientEvent, InsertId, SessionId};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlFormElement;

#[wasm_bindgen]
extern "C" {
    /// Resolves when the event has arrived, or after half a second.
    #[wasm_bindgen(js_namespace = seam, js_name = track)]
    fn seam_track(name: &str, properties_json: &str, insert_id: Option<&str>) -> js_sys::Promise;

    /// Hands the SDK the session that the server resolved.
    #[wasm_bindgen(js_namespace = seam, js_name = session)]
    fn seam_session(id: f64);

    /// Resolves when what was tracked has left, or after half a second.
    #[wasm_bindgen(js_namespace = seam, js_name = settle)]
    fn seam_settle() -> js_sys::Promise;
}

/// Fires the event through Amplitude's SDK. Never fails, and does nothing where tracking is off or blocked. `insert_id`:
/// the one under which the server has confirmed it; without one the SDK makes its own.
pub fn track(event: impl Into<ClientEvent>, insert_id: Option<&InsertId>) {
    let event = event.into();
    // A map of texts and numbers always serialises.
    let properties = serde_json::to_string(&event.properties()).unwrap_or_default();
    // Nobody waits for it here; the script keeps it until it has arrived.
    let _promise = seam_track(event.name(), &properties, insert_id.map(InsertId::as_str));
}

/// Fires the event under this insert ID, and posts the form that the click was on once it has left (half a second at most):
/// the form leads to another site, and what is still here then would wait for the next visit.
pub fn track_and_submit(event: impl Into<ClientEvent>, insert_id: &InsertId, submitted: &SubmitEvent) {
    let Some(form) = submitted
        .target()
        .and_then(|target| target.dyn_into::<HtmlFormElement>().ok())
    else {
        return;
    };
    track(event, Some(insert_id));
    spawn_local(async move {
        let _ = JsFuture::from(seam_settle()).await;
        // It fails only for a form that is no longer in the page.
        let _ = form.submit();
    });
}

/// Loads a new document, after what was tracked has left (half a second at most).
pub async fn leave_for(path: String) {
    let _ = JsFuture::from(seam_settle()).await;
    // In a task of its own: whoever called is still drawing.
    set_timeout(
        move || {
            // It fails only for a URL that does not parse; ours are paths.
            let _ = window().location().assign(&path);
        },
        Duration::ZERO,
    );
}

/// Has the browser finish the request even if the tab is closed: what the server confirms then reaches the next page, by a
/// cookie. Browsers refuse such requests above 64 KiB (Fetch, "HTTP-network-or-cache fetch"); the server takes no more
/// either.
fn outlive_page(request: &mut BrowserRequest) {
    let Ok(blank) = Request::get("/").build() else {
        return;
    };
    let init = web_sys::RequestInit::new();
    // web-sys has no setter for it. Setting a field of a fresh object does not fail.
    let _ = js_sys::Reflect::set(&init, &"keepalive".into(), &true.into());
    let plain: web_sys::Request = std::mem::replace(&mut **request, blank).into();
    let lasting = web_sys::Request::new_with_request_and_init(&plain, &init);
    **request = lasting.unwrap_or(plain).into();
}

/// Calls server functions, and hands on the session that each answer carries.
pub struct SeamClient;

impl<E, I, O> Client<E, I, O> for SeamClient
where
    E: FromServerFnError,
    I: FromServerFnError,
    O: FromServerFnError,
{
    type Request = BrowserRequest;
    type Response = BrowserResponse;

    fn send(mut request: BrowserRequest) -> impl Future<Output = Result<BrowserResponse, E>> + Send {
        outlive_page(&mut request);
        SendWrapper::new(async move {
            let answer = <BrowserClient as Client<E, I, O>>::send(request).await?;
            let headers = answer.generate_headers();
            let session = headers
                .get("x-seam-session")
                .and_then(|value| value.to_str().ok());
            if let Some(session) = session.and_then(SessionId::parse) {
                // 13 digits: exact in a double.
                seam_session(session.ms() as f64);
            }
            Ok(answer)
        })
    }

    fn open_websocket(
        path: &str,
    ) -> impl Future<
        Output = Result<
            (
                impl Stream<Item = Result<Bytes, Bytes>> + Send + 'static,
                impl Sink<Bytes> + Send + 'static,
            ),
            E,
        >,
    > + Send {
        <BrowserClient as Client<E, I, O>>::open_websocket(path)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        <BrowserClient as Client<E, I, O>>::spawn(future);
    }
}
