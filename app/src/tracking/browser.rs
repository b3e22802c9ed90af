//! The functions of `window.seam` that islands call. It compiles for the server too, which calls none of them.

use bytes::Bytes;
use futures::{Sink, Stream};
use leptos::prelude::ServerFnError;
use leptos::server_fn::client::{Client, browser::BrowserClient};
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use leptos::server_fn::request::browser::{BrowserRequest, Request};
use leptos::server_fn::response::browser::BrowserResponse;
use send_wrapper::SendWrapper;
use tracking::{ClientEvent, InsertId, SessionId};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Resolves when the event has arrived, or after half a second.
    #[wasm_bindgen(js_namespace = seam, js_name = track)]
    fn seam_track(name: &str, properties_json: &str, insert_id: Option<&str>) -> js_sys::Promise;

    /// Gives the SDK the session that the server resolved.
    #[wasm_bindgen(js_namespace = seam, js_name = session)]
    fn seam_session(id: f64);

    /// Fetches this document again and replaces its live parts.
    #[wasm_bindgen(js_namespace = seam, js_name = refresh)]
    fn seam_refresh() -> js_sys::Promise;
}

/// Fires the event through Amplitude's SDK. Never fails, and does nothing where tracking is off or blocked. `insert_id`:
/// the one under which the server has confirmed it.
pub fn track(event: impl Into<ClientEvent>, insert_id: &InsertId) {
    let event = event.into();
    // A map of texts and numbers always serialises.
    let properties = serde_json::to_string(&event.properties()).unwrap_or_default();
    // Nothing waits for it here; the script keeps it until it has arrived.
    let _promise = seam_track(event.name(), &properties, Some(insert_id.as_str()));
}

/// Fetches this document again, as a background request, and replaces its parts that are marked `data-live`. Resolves
/// when they are in place; a request that fails changes nothing.
pub async fn refresh_live_parts() {
    // The script's promise never rejects.
    let _ = wasm_bindgen_futures::JsFuture::from(seam_refresh()).await;
}

/// The header of an answer to a server function that this server does not have: the page was rendered by another version.
const OUTDATED: &str = "x-seam-outdated";

/// Whether the call failed because the page is older than the server.
pub fn is_outdated(error: &ServerFnError) -> bool {
    matches!(error, ServerFnError::MissingArg(text) if text == OUTDATED)
}

/// Has the browser finish the request even if the tab is closed: the cookie of its answer then reaches the next page.
/// Browsers refuse such requests above 64 KiB (Fetch, "HTTP-network-or-cache fetch"); the server takes no more either.
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

/// Calls server functions, and gives the SDK the session that each answer carries.
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
            if headers.contains_key(OUTDATED) {
                let error = ServerFnErrorErr::MissingArg(OUTDATED.to_owned());
                return Err(E::from_server_fn_error(error));
            }
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
