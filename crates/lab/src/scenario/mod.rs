//! Scenarios as data: the steps, in which state each is possible, and which event each causes. Pure.
//!
//! [`ScenarioState`] is the model that a run is compared with. It is written without the app's code on purpose.

mod step;
mod subscription;
#[cfg(test)]
mod tests;

pub use step::ScenarioStep;

use app::lab::Disturbance;
use tracking::{
    EmailVerified, EventPayload, PlanInterval, PollCreated, SignInCompleted, SignOutCompleted,
    SignUpCompleted, SubscriptionStarted, TrialCheckoutClicked, TrialStarted, VoteCast,
};

use subscription::{SubscriptionState, Terms};

/// Number of browsers of the scripted user.
pub const BROWSERS: usize = 2;

/// The landing page of a user who clicked on an advertisement.
const CAMPAIGN_LANDING: &str = "/?utm_source=lab-search&utm_medium=cpc&utm_campaign=spring&gclid=lab-click";

/// The name of this campaign in reports.
pub(crate) const CAMPAIGN: &str = "lab-search / cpc / spring";

/// Open polls of an account without Pro.
const FREE_POLLS: u8 = 3;

/// The state of the scripted user after some steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScenarioState {
    has_account: bool,
    signed_in: [bool; BROWSERS],
    browser: usize,
    is_verified: bool,
    polls: u8,
    has_card: bool,
    subscription: SubscriptionState,
}

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state after the step.
    pub state: ScenarioState,
    /// The event that the server sends, exactly once.
    pub server_event: Option<&'static str>,
    /// The event that the browser sends, if the SDK is not blocked.
    pub browser_event: Option<&'static str>,
}

impl Default for ScenarioState {
    /// A visitor without an account, in the first browser, without cookies.
    fn default() -> Self {
        Self {
            has_account: false,
            signed_in: [false; BROWSERS],
            browser: 0,
            is_verified: false,
            polls: 0,
            has_card: false,
            subscription: SubscriptionState::Never,
        }
    }
}

impl ScenarioState {
    /// Whether the user has an account.
    pub const fn has_account(&self) -> bool {
        self.has_account
    }

    /// Whether the user is signed in in that browser.
    pub fn is_signed_in_at(&self, browser: usize) -> bool {
        self.signed_in.get(browser).is_some_and(|signed_in| *signed_in)
    }

    /// The state and events after a step; `None` if the step is not possible in this state.
    pub fn after(self, step: ScenarioStep) -> Option<Transition> {
        use ScenarioStep as S;
        let mut next = self;
        let signed_in_here = self.signed_in[self.browser];
        let (mut server_event, mut browser_event) = (None, None);
        match step {
            S::OpenPage(_) => {}
            S::SignUp if !self.has_account => {
                next.has_account = true;
                next.signed_in[self.browser] = true;
                server_event = Some(SignUpCompleted::NAME);
            }
            S::SignIn if self.has_account && !signed_in_here => {
                next.signed_in[self.browser] = true;
                server_event = Some(SignInCompleted::NAME);
            }
            S::SwitchBrowser(browser) if self.has_account && browser != self.browser => {
                let signed_in = next.signed_in.get_mut(browser)?;
                server_event = (!*signed_in).then_some(SignInCompleted::NAME);
                *signed_in = true;
                next.browser = browser;
            }
            S::SignOut | S::ShareLaptop if signed_in_here => {
                next.signed_in[self.browser] = false;
                server_event = Some(SignOutCompleted::NAME);
            }
            S::VerifyEmail if signed_in_here && !self.is_verified => {
                next.is_verified = true;
                server_event = Some(EmailVerified::NAME);
            }
            S::CreatePoll if signed_in_here && self.polls < FREE_POLLS => {
                next.polls += 1;
                browser_event = Some(PollCreated::NAME);
            }
            S::Vote if signed_in_here && self.polls > 0 => browser_event = Some(VoteCast::NAME),
            S::StartTrial(interval) if signed_in_here && self.subscription == SubscriptionState::Never => {
                next.subscription = SubscriptionState::Trial(Terms::new(interval));
                server_event = Some(TrialStarted::NAME);
                browser_event = Some(TrialCheckoutClicked::NAME);
            }
            S::Subscribe(interval) if signed_in_here && self.subscription == SubscriptionState::Expired => {
                next.subscription = SubscriptionState::Paid(Terms::new(interval));
                next.has_card = true;
                server_event = Some(SubscriptionStarted::NAME);
                browser_event = Some(TrialCheckoutClicked::NAME);
            }
            S::AddCard if signed_in_here && !self.has_card && self.subscription.is_trial() => {
                next.has_card = true;
            }
            _ if signed_in_here => {
                let (subscription, name) = self.subscription.after(step, self.has_card)?;
                next.subscription = subscription;
                server_event = Some(name);
            }
            _ => return None,
        }
        Some(Transition {
            state: next,
            server_event,
            browser_event,
        })
    }
}

/// The scenario that the page runs: sign-up, a poll, a trial by Checkout, its cancellation, the undo, the trial's end, and
/// another cancellation. A second browser and a shared laptop are steps of their own in it.
pub(crate) fn scripted_scenario(disturbance: Disturbance) -> Vec<ScenarioStep> {
    use ScenarioStep as S;
    let landing = match disturbance {
        Disturbance::CampaignBlocked => CAMPAIGN_LANDING,
        _ => "/",
    };
    let mut steps = vec![
        S::OpenPage(landing),
        S::SignUp,
        S::CreatePoll,
        S::StartTrial(PlanInterval::Month),
    ];
    match disturbance {
        Disturbance::SecondBrowser => steps.extend([S::SwitchBrowser(1), S::SwitchBrowser(0)]),
        Disturbance::SharedLaptop => steps.extend([S::ShareLaptop, S::SignIn]),
        _ => {}
    }
    steps.extend([S::Cancel, S::Resume, S::AddCard, S::PassTrialEnd]);
    if disturbance == Disturbance::SecondBrowser {
        steps.push(S::SwitchBrowser(1));
    }
    steps.push(S::Cancel);
    steps
}
