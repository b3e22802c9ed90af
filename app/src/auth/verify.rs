//! The page that a link which proves an address leads to. Opening it proves nothing: programs that check mails open links.

use leptos::either::EitherOf3;
use leptos::prelude::*;
use leptos_meta::Title;

use super::links::{self, LinkPage, OpenedLink};
use super::spent::{SpentLink, UnreadableLink};
use crate::forms::{FormFault, form_state};
use crate::page::use_page;

/// Asks for one click.
#[component]
pub fn VerifyPage() -> impl IntoView {
    let link = Resource::new_blocking(|| (), |()| links::look_at_link(LinkPage::Verify));
    let again = if use_page().me.is_some() {
        "/settings"
    } else {
        "/sign-in?next=/settings"
    };
    view! {
        <Title text="Confirm your address · Seamline" />
        <Suspense fallback=|| {
            view! { <p class="quiet" aria-busy="true">"Looking at your link…"</p> }
        }>
            {move || Suspend::new(async move {
                match link.await {
                    Ok(Some(link)) => EitherOf3::A(view! { <Confirm link /> }),
                    Ok(None) => EitherOf3::B(view! { <SpentLink again ask="Ask for a new link in your settings" /> }),
                    Err(_) => EitherOf3::C(view! { <UnreadableLink /> }),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Confirm(link: OpenedLink) -> impl IntoView {
    let faults = RwSignal::new(form_state::<()>().faults);
    let (title, button) = if link.changes_address {
        ("Use this address from now on?", "Use this address")
    } else {
        ("Is this your address?", "Yes, it is mine")
    };
    view! {
        <section class="narrow card">
            <h1>{title}</h1>
            <p class="lead">
                <strong class="address" dir="auto">{link.email}</strong>
            </p>
            // Without script as with it: one click and a new page.
            <form method="post">
                <FormFault faults />
                <button type="submit">{button}</button>
            </form>
            <p class="aside">"If you did not ask for this, close the page: without the click nothing happens."</p>
        </section>
    }
}
