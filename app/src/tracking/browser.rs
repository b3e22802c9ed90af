//! Tracking in the browser, over `window.seam`.

use bytes::Bytes;
use futures::{Sink, Stream};
use leptos::prelude::{set_timeout, window};
use leptos::server_fn::client::{Client, browser::BrowserClient};
use leptos::server_fn::error::FromServerFnError;
use leptos::server_fn::request::browser::BrowserRequest;
use leptos::server_fn::response::browser::BrowserResponse;
use send_wrapper::SendWrapper;
use std::time::Duration;
use tracking::{ClientEvent, SessionId};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// Resolves when the event has arrived, or after half a second.
    #[wasm_bindgen(js_namespace = seam, js_name = track)]
    fn seam_track(name: &str, properties_json: &str) -> js_sys::Promise;

    /// Hands the SDK the session that the server resolved.
    #[wasm_bindgen(js_namespace = seam, js_name = session)]
    fn seam_session(id: f64);

    /// Resolves when what was tracked has left, or after half a second.
    #[wasm_bindgen(js_namespace = seam, js_name = settle)]
    fn seam_settle() -> js_sys::Promise;
}

/// Fires the event through Amplitude's SDK. Never fails, and does nothing where tracking is off or blocked.
pub fn track(event: impl Into<ClientEvent>) {
    let event = event.into();
    // A map of texts and numbers always serialises.
    let properties = serde_json::to_string(&event.properties()).unwrap_or_default();
    // Nobody waits for it here; the script keeps it until it has arrived.
    let _promise = seam_track(event.name(), &properties);
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

    fn send(request: BrowserRequest) -> impl Future<Output = Result<BrowserResponse, E>> + Send {
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
