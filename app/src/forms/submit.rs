//! Submitting a form from the browser. The handlers here run there only; the server renders them away.

use std::future::Future;

use forms::{Faults, Field, Problem};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlElement, HtmlFormElement};

use super::Answer;

/// What stands in a form's fields.
pub struct Typed(FormData);

impl Typed {
    /// The field's text; empty when there is no such field.
    pub fn text(&self, name: &str) -> String {
        self.0.get(name).as_string().unwrap_or_default()
    }

    /// The text of each field of that name, in order.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0
            .get_all(name)
            .iter()
            .map(|value| value.as_string().unwrap_or_default())
            .collect()
    }

    /// Whether the box of that name is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.0.has(name)
    }
}

/// A form that is sent by script once there is one.
#[derive(Clone, Copy)]
pub struct Submit {
    /// What is wrong with it.
    pub faults: RwSignal<Faults>,
    /// It is on its way: a second click does nothing.
    pub pending: RwSignal<bool>,
    send: Callback<SubmitEvent>,
}

impl Submit {
    /// For `on:submit`.
    pub fn send(self, event: SubmitEvent) {
        self.send.run(event);
    }
}

/// Reads the form, checks it here, sends it, and shows the faults or calls `done`. What was typed stays in the fields.
pub fn use_submit<F, T, Called, Done>(
    start: Faults,
    read: impl Fn(&Typed) -> F + Send + Sync + 'static,
    check: impl Fn(&F) -> Result<(), Faults> + Send + Sync + 'static,
    call: impl Fn(F) -> Called + Send + Sync + 'static,
    done: impl Fn(T) -> Done + Clone + Send + Sync + 'static,
) -> Submit
where
    F: 'static,
    T: 'static,
    Called: Future<Output = Result<Answer<T>, ServerFnError>> + 'static,
    Done: Future<Output = ()> + 'static,
{
    submit(start, read, check, call, done, Then::Leaves)
}

/// The same for a form whose page stays: once it is done it can be sent again.
pub fn use_submit_and_stay<F, T, Called, Done>(
    start: Faults,
    read: impl Fn(&Typed) -> F + Send + Sync + 'static,
    check: impl Fn(&F) -> Result<(), Faults> + Send + Sync + 'static,
    call: impl Fn(F) -> Called + Send + Sync + 'static,
    done: impl Fn(T) -> Done + Clone + Send + Sync + 'static,
) -> Submit
where
    F: 'static,
    T: 'static,
    Called: Future<Output = Result<Answer<T>, ServerFnError>> + 'static,
    Done: Future<Output = ()> + 'static,
{
    submit(start, read, check, call, done, Then::Stays)
}

/// What becomes of the page after the server's yes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Leaves,
    Stays,
}

fn submit<F, T, Called, Done>(
    start: Faults,
    read: impl Fn(&Typed) -> F + Send + Sync + 'static,
    check: impl Fn(&F) -> Result<(), Faults> + Send + Sync + 'static,
    call: impl Fn(F) -> Called + Send + Sync + 'static,
    done: impl Fn(T) -> Done + Clone + Send + Sync + 'static,
    then: Then,
) -> Submit
where
    F: 'static,
    T: 'static,
    Called: Future<Output = Result<Answer<T>, ServerFnError>> + 'static,
    Done: Future<Output = ()> + 'static,
{
    let faults = RwSignal::new(start);
    let pending = RwSignal::new(false);
    let send = Callback::new(move |event: SubmitEvent| {
        event.prevent_default();
        if pending.get_untracked() {
            return;
        }
        let element = event
            .target()
            .and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
        let Some((element, data)) =
            element.and_then(|form| Some((form.clone(), FormData::new_with_form(&form).ok()?)))
        else {
            return;
        };
        let form = read(&Typed(data));
        if let Err(found) = check(&form) {
            show(faults, found, &element);
            return;
        }
        pending.set(true);
        faults.set(Faults::default());
        let (answer, done) = (call(form), done.clone());
        spawn_local(async move {
            match answer.await {
                Ok(Answer::Done(value)) => {
                    done(value).await;
                    if then == Then::Leaves {
                        // Still pending: the page is about to be left.
                        return;
                    }
                }
                Ok(Answer::Faults(found)) => show(faults, found, &element),
                Err(_) => show(faults, Faults::one(Field::Form, Problem::Internal), &element),
            }
            // What was done may have taken the form from the page.
            let _ = pending.try_set(false);
        });
    });
    Submit {
        faults,
        pending,
        send,
    }
}

/// Shows the faults and puts the cursor where the first one is.
fn show(faults: RwSignal<Faults>, found: Faults, form: &HtmlFormElement) {
    let _ = faults.try_set(found);
    let form = form.clone();
    request_animation_frame(move || {
        let first = form.query_selector("[aria-invalid='true']").ok().flatten();
        if let Some(field) = first.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
            // A field that cannot take the cursor is no reason to stop.
            let _ = field.focus();
        }
    });
}
