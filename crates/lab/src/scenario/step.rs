//! The steps of a scenario.

use tracking::PlanInterval;

/// Something that the scripted user does, or that happens as time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScenarioStep {
    /// Opens a page.
    OpenPage(&'static str),
    /// Creates an account.
    SignUp,
    /// Signs out in the current browser.
    SignOut,
    /// Signs in again in the current browser.
    SignIn,
    /// Continues in the browser of this number, and signs in there if necessary.
    SwitchBrowser(usize),
    /// Signs out; a second user signs up in this browser, opens a page and signs out.
    ShareLaptop,
    /// Opens the link of the sign-up mail and confirms.
    VerifyEmail,
    /// Creates a poll.
    CreatePoll,
    /// Votes in the newest poll, or changes the vote.
    Vote,
    /// Starts a trial by Checkout, without a card.
    StartTrial(PlanInterval),
    /// Subscribes by Checkout, with a card, after an expired trial or subscription.
    Subscribe(PlanInterval),
    /// Adds a card at Stripe.
    AddCard,
    /// Cancels at the end of the trial or period.
    Cancel,
    /// Undoes the cancellation.
    Resume,
    /// Changes from monthly to yearly.
    ChangeToYearly,
    /// Stripe's clock passes the end of the trial.
    PassTrialEnd,
    /// Stripe's clock passes the end of the period.
    PassPeriodEnd,
}

impl ScenarioStep {
    /// The step in a few words, for the status line.
    pub const fn description(self) -> &'static str {
        match self {
            Self::OpenPage(_) => "opening a page",
            Self::SignUp => "signing up",
            Self::SignOut => "signing out",
            Self::SignIn => "signing in",
            Self::SwitchBrowser(_) => "switching to another browser",
            Self::ShareLaptop => "sharing the laptop with a second user",
            Self::VerifyEmail => "verifying the email address",
            Self::CreatePoll => "creating a poll",
            Self::Vote => "voting",
            Self::StartTrial(_) => "starting a trial by Checkout",
            Self::Subscribe(_) => "subscribing by Checkout",
            Self::AddCard => "adding a card",
            Self::Cancel => "canceling",
            Self::Resume => "undoing the cancellation",
            Self::ChangeToYearly => "changing to yearly",
            Self::PassTrialEnd => "passing the trial’s end",
            Self::PassPeriodEnd => "passing the period’s end",
        }
    }

    /// Whether the step uses Checkout's page.
    pub const fn is_checkout(self) -> bool {
        matches!(self, Self::StartTrial(_) | Self::Subscribe(_))
    }

    /// Whether Stripe sends a webhook for the step.
    pub const fn causes_webhook(self) -> bool {
        matches!(
            self,
            Self::StartTrial(_)
                | Self::Subscribe(_)
                | Self::Cancel
                | Self::Resume
                | Self::ChangeToYearly
                | Self::PassTrialEnd
                | Self::PassPeriodEnd
        )
    }

    /// Whether the webhooks of earlier steps must be applied before this step.
    pub const fn needs_billing_state(self) -> bool {
        self.causes_webhook() || matches!(self, Self::AddCard)
    }
}
