//! The table of pages, and what is around a page.

use std::sync::LazyLock;

use leptos::prelude::*;
use matchit::Router;

use crate::auth::{ForgotPage, ResetPage, SignInPage, SignUpPage, VerifyPage};
use crate::billing::{BillingPage, CheckoutReturnPage, PricingPage};
use crate::document::path;
use crate::lab::LabPage;
use crate::landing::LandingPage;
use crate::mailbox::MailboxPage;
use crate::not_found::NotFoundPage;
use crate::operations::{CampaignsPage, OperationsPage, RevenuePage, SessionsPage};
use crate::polls::{EditPollPage, NewPollPage, OwnPollPage, PollsPage, VotePage};
use crate::privacy::{ConsentBanner, PrivacyPage};
use crate::settings::{ChangeEmailPage, ChangePasswordPage, DeleteAccountPage, GoodbyePage, SettingsPage};
use crate::timeline::TimelinePage;
use crate::ui::{Footer, Header, ToastArea};
use crate::walk::{WalkPage, WalkPanel};

/// Renders a page.
type View = fn() -> AnyView;

/// The path of each page, as axum writes it, and its view.
const PAGES: &[(&str, View)] = &[
    ("/", || LandingPage().into_any()),
    ("/sign-up", || SignUpPage().into_any()),
    ("/sign-in", || SignInPage().into_any()),
    ("/forgot", || ForgotPage().into_any()),
    ("/reset", || ResetPage().into_any()),
    ("/verify", || VerifyPage().into_any()),
    ("/settings", || SettingsPage().into_any()),
    ("/settings/email", || ChangeEmailPage().into_any()),
    ("/settings/password", || ChangePasswordPage().into_any()),
    ("/settings/delete", || DeleteAccountPage().into_any()),
    ("/goodbye", || GoodbyePage().into_any()),
    ("/mailbox", || MailboxPage().into_any()),
    ("/polls", || PollsPage().into_any()),
    ("/polls/new", || NewPollPage().into_any()),
    ("/polls/{poll}", || OwnPollPage().into_any()),
    ("/polls/{poll}/edit", || EditPollPage().into_any()),
    ("/p/{poll}", || VotePage().into_any()),
    ("/pricing", || PricingPage().into_any()),
    ("/billing", || BillingPage().into_any()),
    ("/billing/return", || CheckoutReturnPage().into_any()),
    ("/privacy", || PrivacyPage().into_any()),
    ("/timeline", || TimelinePage().into_any()),
    ("/operations", || OperationsPage().into_any()),
    ("/operations/revenue", || RevenuePage().into_any()),
    ("/operations/campaigns", || CampaignsPage().into_any()),
    ("/operations/sessions", || SessionsPage().into_any()),
    ("/lab", || LabPage().into_any()),
    ("/walk", || WalkPage().into_any()),
];

static ROUTES: LazyLock<Router<View>> = LazyLock::new(|| {
    let mut routes = Router::new();
    for &(path, view) in PAGES {
        routes
            .insert(path, view)
            .expect("the paths of pages do not conflict");
    }
    routes
});

/// The paths of all pages, as axum writes them.
pub fn page_paths() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|&(path, _)| path)
}

/// Whether a page has this path.
pub fn is_page(path: &str) -> bool {
    ROUTES.at(path).is_ok()
}

/// The parameter `name` in the path of this page, as it is written there; empty if the path has none.
pub(crate) fn path_param(name: &str) -> String {
    let path = path();
    let found = ROUTES.at(&path).ok();
    let param = found.and_then(|page| page.params.get(name).map(str::to_owned));
    param.unwrap_or_default()
}

/// The page of the request's path.
pub(crate) fn page_of_path() -> AnyView {
    ROUTES
        .at(&path())
        .map_or_else(|_| NotFoundPage().into_any(), |page| (page.value)())
}

/// What all pages have, around a page.
#[component]
pub(crate) fn App(page: AnyView) -> impl IntoView {
    view! {
        <a class="skip-link" href="#main">"Skip to content"</a>
        <Header />
        <main id="main">{page}</main>
        <ToastArea />
        <ConsentBanner />
        <WalkPanel />
        <Footer />
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_page() {
        for (path, poll) in [
            ("/", None),
            ("/polls/new", None),
            ("/polls/0193b7c4", Some("0193b7c4")),
            ("/polls/0193b7c4/edit", Some("0193b7c4")),
        ] {
            let page = ROUTES.at(path).unwrap();
            assert_eq!(page.params.get("poll"), poll, "{path}");
        }
        for path in ["/nowhere", "/polls/new/edit/more", "/sign-in/", "//sign-in", ""] {
            assert!(!is_page(path), "{path}");
        }
    }
}
