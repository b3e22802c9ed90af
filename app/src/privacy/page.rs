//! The page about tracking, with the switch.

use leptos::prelude::*;
use leptos_meta::Title;
use tracking::Choice;

use crate::page::use_page;

/// What is tracked, what is not, and the person's choice.
#[component]
pub fn PrivacyPage() -> impl IntoView {
    let page = use_page();
    let privacy = page.privacy;
    let now = match (privacy.tracked, privacy.choice, privacy.signal) {
        (true, Choice::Granted, _) => "You have agreed. Your visit is counted.",
        (true, ..) => "Your visit is counted. You can switch that off.",
        (false, Choice::Denied, _) => "You have said no. Nothing of your visit is counted.",
        (false, _, true) => {
            "Your browser says no for you (Global Privacy Control). Nothing of your visit is counted."
        }
        (false, ..) => "You have not said yes. Nothing of your visit is counted.",
    };
    let whose = if page.me.is_some() {
        "Your choice holds for your account, in every browser, and for this browser."
    } else {
        "Your choice holds for this browser."
    };
    view! {
        <Title text="Privacy · Seamline" />
        <section class="narrow card privacy">
            <h1>"Your visit, counted or not"</h1>
            <p class="lead" data-tracked=privacy.tracked.to_string()>{now}</p>
            <dl class="stack">
                <div>
                    <dt>"With a yes"</dt>
                    <dd>
                        "Page views, clicks and what comes of them go to Amplitude, under a random ID of this browser and, once "
                        "you have an account, under its ID. The same IDs travel through Stripe with a trial, so that its news "
                        "find back to your visit. Never your name, your address or what you vote for."
                    </dd>
                </div>
                <div>
                    <dt>"With a no"</dt>
                    <dd>
                        "No cookie tells this browser from another, no script of Amplitude's is loaded, Stripe gets no IDs of "
                        "ours, and what was still to be sent stays here. Everything else works as before, paid things too."
                    </dd>
                </div>
            </dl>
            <form method="post" class="actions">
                {if privacy.tracked {
                    view! {
                        <button type="submit" name="choice" value="denied">
                            "Do not count my visit"
                        </button>
                    }
                } else {
                    view! {
                        <button type="submit" name="choice" value="granted">
                            "Count my visit"
                        </button>
                    }
                }}
            </form>
            <p class="quiet">{whose}</p>
        </section>
    }
}
