//! Where Stripe's Checkout leads back to. It grants nothing: it tells how the session stands, and waits for the webhook.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;

use super::api;
use super::buttons::ReloadWithoutScript;
use super::facts::Returned;
use super::live;
use crate::page::use_page;

/// The page.
#[component]
pub fn CheckoutReturnPage() -> impl IntoView {
    let checkout = use_query_map().with_untracked(|query| query.get("checkout").unwrap_or_default());
    let back = format!("/sign-in?next=/billing/return?checkout={checkout}");
    let heard = RwSignal::new(0_i64);
    let waits = StoredValue::new(true);
    let returned = Resource::new_blocking(
        move || (checkout.clone(), heard.get()),
        |(checkout, _)| api::read_checkout(checkout),
    );
    if use_page().me.is_some() {
        // Each message is worth a look while something is awaited; the first says where things stand.
        live::follow(move |revision| {
            if waits.get_value() && revision > heard.get_untracked() {
                heard.set(revision);
            }
        });
    }
    view! {
        <Title text="Back from Checkout · Seamline" />
        <section class="narrow card returned">
            <Transition fallback=|| view! { <p class="quiet" aria-busy="true">"Asking Stripe…"</p> }>
                {move || {
                    let back = back.clone();
                    Suspend::new(async move {
                        let returned = returned.await;
                        waits.set_value(!matches!(
                            returned,
                            Ok(Returned::Done | Returned::Expired | Returned::NotTheirs)
                        ));
                        match returned {
                            Ok(Returned::SignedOut) => view! { <Redirect path=back /> }.into_any(),
                            Ok(returned) => outcome(returned),
                            Err(_) => outcome(Returned::Unknown),
                        }
                    })
                }}
            </Transition>
        </section>
    }
}

fn outcome(returned: Returned) -> AnyView {
    match returned {
        Returned::Done => view! {
            <h1 data-checkout="done">"Welcome to Pro"</h1>
            <p class="lead">"Stripe has told us, and everything is in place."</p>
            <p>
                "The click that began it and Stripe's webhook stand in one session of your timeline, "
                "although no browser was there when the webhook came."
            </p>
            <p class="actions">
                <a class="button" href="/timeline">
                    "See your timeline"
                </a>
                <a class="button secondary" href="/billing">
                    "Your billing"
                </a>
            </p>
        }
        .into_any(),
        Returned::Waiting | Returned::Unknown => view! {
            <h1 data-checkout="waiting">"Almost there"</h1>
            <p class="lead" role="status" aria-busy="true">
                "You are done at Stripe. We are waiting for its webhook: mostly it takes seconds."
            </p>
            <p>"You need not stay. Pro begins when the webhook is here, whether this page is open or not."</p>
            <ReloadWithoutScript />
        }
        .into_any(),
        Returned::Left { url } => view! {
            <h1 data-checkout="left">"Not finished yet"</h1>
            <p class="lead">"You left Stripe's page before the end. Nothing has begun, and nothing is charged."</p>
            <p class="actions">
                <a class="button" href=url rel="external">
                    "Back to Checkout"
                </a>
                <a class="button secondary" href="/pricing">
                    "See the prices"
                </a>
            </p>
        }
        .into_any(),
        Returned::Expired => view! {
            <h1 data-checkout="expired">"This page of Stripe's has run out"</h1>
            <p class="lead">"Nothing has begun, and nothing is charged."</p>
            <p class="actions">
                <a class="button" href="/pricing">
                    "Start again"
                </a>
            </p>
        }
        .into_any(),
        Returned::NotTheirs | Returned::SignedOut => view! {
            <h1 data-checkout="none">"There is nothing here of yours"</h1>
            <p class="lead">"This link belongs to another account, or to none."</p>
            <p class="actions">
                <a class="button" href="/billing">
                    "Your billing"
                </a>
            </p>
        }
        .into_any(),
    }
}
