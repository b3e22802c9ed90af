//! The route table and nothing else.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::auth::{ForgotPage, ResetPage, SignInPage, SignUpPage, VerifyPage};
use crate::billing::{BillingPage, CheckoutReturnPage, PricingPage};
use crate::lab::LabPage;
use crate::landing::LandingPage;
use crate::mailbox::MailboxPage;
use crate::not_found::NotFoundPage;
use crate::operations::{CampaignsPage, OperationsPage, RevenuePage, SessionsPage};
use crate::page::provide_page;
use crate::polls::{EditPollPage, NewPollPage, OwnPollPage, PollsPage, VotePage};
use crate::privacy::{ConsentBanner, PrivacyPage};
use crate::settings::{ChangeEmailPage, ChangePasswordPage, DeleteAccountPage, GoodbyePage, SettingsPage};
use crate::timeline::TimelinePage;
use crate::ui::{Footer, Header, ToastArea};
use crate::walk::{WalkPage, WalkPanel};

/// The whole app. Pages are rendered to the end before the first byte leaves (`SsrMode::Async`): they work without
/// script, and cookies and status can be set until then.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_page();
    view! {
        <Router>
            <a class="skip-link" href="#main">"Skip to content"</a>
            <Header />
            <main id="main">
                <Routes fallback=NotFoundPage>
                    <Route path=path!("/") view=LandingPage ssr=SsrMode::Async />
                    <Route path=path!("/sign-up") view=SignUpPage ssr=SsrMode::Async />
                    <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                    <Route path=path!("/forgot") view=ForgotPage ssr=SsrMode::Async />
                    <Route path=path!("/reset") view=ResetPage ssr=SsrMode::Async />
                    <Route path=path!("/verify") view=VerifyPage ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=SettingsPage ssr=SsrMode::Async />
                    <Route path=path!("/settings/email") view=ChangeEmailPage ssr=SsrMode::Async />
                    <Route path=path!("/settings/password") view=ChangePasswordPage ssr=SsrMode::Async />
                    <Route path=path!("/settings/delete") view=DeleteAccountPage ssr=SsrMode::Async />
                    <Route path=path!("/goodbye") view=GoodbyePage ssr=SsrMode::Async />
                    <Route path=path!("/mailbox") view=MailboxPage ssr=SsrMode::Async />
                    <Route path=path!("/polls") view=PollsPage ssr=SsrMode::Async />
                    <Route path=path!("/polls/new") view=NewPollPage ssr=SsrMode::Async />
                    <Route path=path!("/polls/:poll") view=OwnPollPage ssr=SsrMode::Async />
                    <Route path=path!("/polls/:poll/edit") view=EditPollPage ssr=SsrMode::Async />
                    <Route path=path!("/p/:poll") view=VotePage ssr=SsrMode::Async />
                    <Route path=path!("/pricing") view=PricingPage ssr=SsrMode::Async />
                    <Route path=path!("/billing") view=BillingPage ssr=SsrMode::Async />
                    <Route path=path!("/billing/return") view=CheckoutReturnPage ssr=SsrMode::Async />
                    <Route path=path!("/privacy") view=PrivacyPage ssr=SsrMode::Async />
                    <Route path=path!("/timeline") view=TimelinePage ssr=SsrMode::Async />
                    <Route path=path!("/operations") view=OperationsPage ssr=SsrMode::Async />
                    <Route path=path!("/operations/revenue") view=RevenuePage ssr=SsrMode::Async />
                    <Route path=path!("/operations/campaigns") view=CampaignsPage ssr=SsrMode::Async />
                    <Route path=path!("/operations/sessions") view=SessionsPage ssr=SsrMode::Async />
                    <Route path=path!("/lab") view=LabPage ssr=SsrMode::Async />
                    <Route path=path!("/walk") view=WalkPage ssr=SsrMode::Async />
                </Routes>
            </main>
            <ToastArea />
            <ConsentBanner />
            <WalkPanel />
            <Footer />
        </Router>
    }
}
