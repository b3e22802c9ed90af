//! A life as data: the steps, what each makes sense after, and what has to be told of it. Pure.
//!
//! [`Standing`] is the model that a walk is held against: it knows which step is possible where somebody stands, and which
//! events the step has to leave behind, once each.

use app::lab::Disturbance;
use tracking::{
    EmailVerified, EventPayload, Interval, PollCreated, SignInCompleted, SignOutCompleted, SignUpCompleted,
    SubscriptionCanceled, SubscriptionChanged, SubscriptionExpiration, SubscriptionRenewal,
    SubscriptionResumed, SubscriptionStarted, TrialCanceled, TrialCheckoutClicked, TrialConverted,
    TrialExpiration, TrialResumed, TrialStarted, VoteCast,
};

/// Browsers that a person has.
pub const BROWSERS: usize = 2;

/// Polls that one may have open without Pro.
const FREE_POLLS: u8 = 3;

/// Something that a person does, or that time does to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Opens a page.
    OpenPage(&'static str),
    /// Makes an account.
    SignUp,
    /// Signs out, in the browser in which they are.
    SignOut,
    /// Signs in there again.
    SignIn,
    /// Goes on in the browser of this number; where nobody is signed in there, they do.
    Use(usize),
    /// Signs out and lends the laptop to somebody, who makes an account, looks around, and signs out.
    Lend,
    /// Opens the link of the letter that came with the sign-up.
    ConfirmEmail,
    /// Makes a poll.
    MakePoll,
    /// Votes in the newest poll, or changes the vote.
    Vote,
    /// Starts a trial by Checkout, without a card.
    StartTrial(Interval),
    /// Subscribes by Checkout, with a card, after a trial that was had.
    Subscribe(Interval),
    /// Leaves a card at Stripe.
    GiveCard,
    /// Cancels for the end of the trial or of the period.
    Cancel,
    /// Takes that back.
    Resume,
    /// Changes from monthly to yearly.
    Yearly,
    /// The trial ends.
    JumpTrialEnd,
    /// The period ends.
    JumpRenewal,
}

impl Step {
    /// What is being done, in a few words.
    pub const fn doing(self) -> &'static str {
        match self {
            Self::OpenPage(_) => "opening a page",
            Self::SignUp => "signing up",
            Self::SignOut => "signing out",
            Self::SignIn => "signing in",
            Self::Use(_) => "going on in another browser",
            Self::Lend => "lending the laptop",
            Self::ConfirmEmail => "confirming the address",
            Self::MakePoll => "making a poll",
            Self::Vote => "voting",
            Self::StartTrial(_) => "starting a trial by Checkout",
            Self::Subscribe(_) => "subscribing by Checkout",
            Self::GiveCard => "leaving a card",
            Self::Cancel => "canceling",
            Self::Resume => "taking the cancellation back",
            Self::Yearly => "changing to yearly",
            Self::JumpTrialEnd => "waiting for the trial’s end",
            Self::JumpRenewal => "waiting for the period’s end",
        }
    }

    /// Whether the step goes by Checkout’s page.
    pub const fn is_checkout(self) -> bool {
        matches!(self, Self::StartTrial(_) | Self::Subscribe(_))
    }

    /// Whether Stripe tells of it by webhook. The step after it needs what that webhook changes.
    pub const fn is_told_by_stripe(self) -> bool {
        matches!(
            self,
            Self::StartTrial(_)
                | Self::Subscribe(_)
                | Self::Cancel
                | Self::Resume
                | Self::Yearly
                | Self::JumpTrialEnd
                | Self::JumpRenewal
        )
    }

    /// Whether it needs what earlier webhooks have changed.
    pub const fn needs_billing(self) -> bool {
        self.is_told_by_stripe() || matches!(self, Self::GiveCard)
    }
}

/// How a subscription goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Running {
    interval: Interval,
    canceled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Never,
    Trial(Running),
    Paid(Running),
    Over,
}

/// Where somebody stands in their life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    has_account: bool,
    signed_in: [bool; BROWSERS],
    browser: usize,
    is_confirmed: bool,
    polls: u8,
    has_card: bool,
    plan: Plan,
}

/// What a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where they stand then.
    pub standing: Standing,
    /// The server’s event that has to be told of it, once.
    pub told: Option<&'static str>,
    /// The browser’s event, where its script runs.
    pub tracked: Option<&'static str>,
}

impl Default for Standing {
    /// Nobody yet, in a browser that has never been here.
    fn default() -> Self {
        Self {
            has_account: false,
            signed_in: [false; BROWSERS],
            browser: 0,
            is_confirmed: false,
            polls: 0,
            has_card: false,
            plan: Plan::Never,
        }
    }
}

impl Standing {
    /// Whether they have an account.
    pub const fn has_account(&self) -> bool {
        self.has_account
    }

    /// Whether somebody is signed in in that browser.
    pub fn is_signed_in_at(&self, browser: usize) -> bool {
        self.signed_in.get(browser).is_some_and(|signed_in| *signed_in)
    }

    /// Where a step leads to; `None`: it makes no sense here.
    pub fn take(self, step: Step) -> Option<Taken> {
        let mut next = self;
        let here = self.signed_in[self.browser];
        let (mut told, mut tracked) = (None, None);
        match step {
            Step::OpenPage(_) => {}
            Step::SignUp if !self.has_account => {
                next.has_account = true;
                next.signed_in[self.browser] = true;
                told = Some(SignUpCompleted::NAME);
            }
            Step::SignIn if self.has_account && !here => {
                next.signed_in[self.browser] = true;
                told = Some(SignInCompleted::NAME);
            }
            Step::Use(browser) if self.has_account && browser != self.browser => {
                let known = next.signed_in.get_mut(browser)?;
                told = (!*known).then_some(SignInCompleted::NAME);
                *known = true;
                next.browser = browser;
            }
            Step::SignOut | Step::Lend if here => {
                next.signed_in[self.browser] = false;
                told = Some(SignOutCompleted::NAME);
            }
            Step::ConfirmEmail if here && !self.is_confirmed => {
                next.is_confirmed = true;
                told = Some(EmailVerified::NAME);
            }
            Step::MakePoll if here && self.polls < FREE_POLLS => {
                next.polls += 1;
                tracked = Some(PollCreated::NAME);
            }
            Step::Vote if here && self.polls > 0 => tracked = Some(VoteCast::NAME),
            Step::StartTrial(interval) if here && self.plan == Plan::Never => {
                next.plan = Plan::Trial(Running::new(interval));
                told = Some(TrialStarted::NAME);
                tracked = Some(TrialCheckoutClicked::NAME);
            }
            Step::Subscribe(interval) if here && self.plan == Plan::Over => {
                next.plan = Plan::Paid(Running::new(interval));
                next.has_card = true;
                told = Some(SubscriptionStarted::NAME);
                tracked = Some(TrialCheckoutClicked::NAME);
            }
            Step::GiveCard if here && !self.has_card && matches!(self.plan, Plan::Trial(_)) => {
                next.has_card = true;
            }
            _ if here => {
                let (plan, name) = self.plan.take(step, self.has_card)?;
                next.plan = plan;
                told = Some(name);
            }
            _ => return None,
        }
        Some(Taken {
            standing: next,
            told,
            tracked,
        })
    }
}

impl Running {
    const fn new(interval: Interval) -> Self {
        Self {
            interval,
            canceled: false,
        }
    }

    const fn canceled(self, canceled: bool) -> Self {
        Self { canceled, ..self }
    }
}

impl Plan {
    /// What a subscription becomes, and what is told of it.
    fn take(self, step: Step, has_card: bool) -> Option<(Self, &'static str)> {
        let yearly = Running::new(Interval::Year);
        Some(match (self, step) {
            (Self::Trial(running), Step::Cancel) if !running.canceled => {
                (Self::Trial(running.canceled(true)), TrialCanceled::NAME)
            }
            (Self::Trial(running), Step::Resume) if running.canceled => {
                (Self::Trial(running.canceled(false)), TrialResumed::NAME)
            }
            (Self::Paid(running), Step::Cancel) if !running.canceled => {
                (Self::Paid(running.canceled(true)), SubscriptionCanceled::NAME)
            }
            (Self::Paid(running), Step::Resume) if running.canceled => {
                (Self::Paid(running.canceled(false)), SubscriptionResumed::NAME)
            }
            (Self::Trial(running), Step::Yearly) if running.may_become_yearly() => {
                (Self::Trial(yearly), SubscriptionChanged::NAME)
            }
            (Self::Paid(running), Step::Yearly) if running.may_become_yearly() => {
                (Self::Paid(yearly), SubscriptionChanged::NAME)
            }
            (Self::Trial(running), Step::JumpTrialEnd) if has_card && !running.canceled => {
                (Self::Paid(running), TrialConverted::NAME)
            }
            (Self::Trial(_), Step::JumpTrialEnd) => (Self::Over, TrialExpiration::NAME),
            (Self::Paid(running), Step::JumpRenewal) if running.canceled => {
                (Self::Over, SubscriptionExpiration::NAME)
            }
            (Self::Paid(running), Step::JumpRenewal) => (Self::Paid(running), SubscriptionRenewal::NAME),
            _ => return None,
        })
    }
}

impl Running {
    fn may_become_yearly(self) -> bool {
        self.interval == Interval::Month && !self.canceled
    }
}

/// The scripted life: signing up, a poll, a trial by Checkout, canceled and resumed, its end, a cancellation. Disturbances
/// that are people’s doing have steps of their own in it.
pub fn scripted(disturbance: Disturbance) -> Vec<Step> {
    use Step as S;
    let mut life = vec![
        S::OpenPage("/"),
        S::SignUp,
        S::MakePoll,
        S::StartTrial(Interval::Month),
    ];
    match disturbance {
        Disturbance::SecondBrowser => life.extend([S::Use(1), S::Use(0)]),
        Disturbance::SharedLaptop => life.extend([S::Lend, S::SignIn]),
        _ => {}
    }
    life.extend([S::Cancel, S::Resume, S::GiveCard, S::JumpTrialEnd]);
    if disturbance == Disturbance::SecondBrowser {
        life.push(S::Use(1));
    }
    life.push(S::Cancel);
    life
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told and tracked of a life; `None`: it makes no sense.
    fn told(life: &[Step]) -> Option<Vec<&'static str>> {
        let mut standing = Standing::default();
        let mut names = Vec::new();
        for &step in life {
            let taken = standing.take(step)?;
            names.extend(taken.tracked.into_iter().chain(taken.told));
            standing = taken.standing;
        }
        Some(names)
    }

    #[test]
    fn what_each_life_tells() {
        use Interval::{Month, Year};
        use Step::*;
        #[rustfmt::skip]
        let table: &[(&[Step], Option<&[&str]>)] = &[
            (&[OpenPage("/"), OpenPage("/pricing")], Some(&[])),
            (&[SignUp, SignUp], None),
            (&[SignIn], None),
            (&[SignOut], None),
            (&[Use(1)], None),
            (&[MakePoll], None),
            (&[SignUp, Vote], None),
            (&[SignUp, SignIn], None),
            (&[SignUp, SignOut, MakePoll], None),
            (&[SignUp, SignOut, Cancel], None),
            (&[SignUp, Use(0)], None),
            (&[SignUp, Use(9)], None),
            (&[SignUp, ConfirmEmail, ConfirmEmail], None),
            (&[SignUp, MakePoll, MakePoll, MakePoll, MakePoll], None),
            (&[SignUp, Cancel], None),
            (&[SignUp, JumpTrialEnd], None),
            (&[SignUp, GiveCard], None),
            (&[SignUp, Subscribe(Month)], None),
            (&[SignUp, StartTrial(Month), StartTrial(Month)], None),
            (&[SignUp, StartTrial(Month), Resume], None),
            (&[SignUp, StartTrial(Month), JumpRenewal], None),
            (&[SignUp, StartTrial(Year), Yearly], None),
            (&[SignUp, StartTrial(Month), Cancel, Yearly], None),
            (&[SignUp, StartTrial(Month), GiveCard, GiveCard], None),
            (&[SignUp, Use(1), Use(0), SignOut, Use(1), Use(0)], Some(&[
                "Sign-up completed", "Sign-in completed", "Sign-out completed", "Sign-in completed",
            ])),
            (&[SignUp, ConfirmEmail, MakePoll, Vote, Vote, Lend, SignIn], Some(&[
                "Sign-up completed", "Email verified", "Poll created", "Vote cast", "Vote cast", "Sign-out completed",
                "Sign-in completed",
            ])),
            (&[SignUp, StartTrial(Month), JumpTrialEnd, Subscribe(Month), Yearly, JumpRenewal], Some(&[
                "Sign-up completed", "Trial checkout clicked", "Trial started", "Trial expiration",
                "Trial checkout clicked", "Subscription started", "Subscription changed", "Subscription renewal",
            ])),
            (&[SignUp, StartTrial(Year), GiveCard, Cancel, JumpTrialEnd], Some(&[
                "Sign-up completed", "Trial checkout clicked", "Trial started", "Trial canceled", "Trial expiration",
            ])),
            (&[SignUp, StartTrial(Month), Yearly, GiveCard, JumpTrialEnd, Cancel, Resume, Cancel, JumpRenewal], Some(&[
                "Sign-up completed", "Trial checkout clicked", "Trial started", "Subscription changed",
                "Trial converted", "Subscription canceled", "Subscription resumed", "Subscription canceled",
                "Subscription expiration",
            ])),
        ];
        for (life, expected) in table {
            assert_eq!(told(life).as_deref(), *expected, "{life:?}");
        }
    }

    #[test]
    fn the_scripted_life_makes_sense_under_every_disturbance() {
        let undisturbed = [
            "Sign-up completed",
            "Poll created",
            "Trial checkout clicked",
            "Trial started",
            "Trial canceled",
            "Trial resumed",
            "Trial converted",
            "Subscription canceled",
        ];
        for disturbance in Disturbance::ALL {
            let told = told(&scripted(disturbance)).unwrap();
            let besides: Vec<&str> = told
                .iter()
                .copied()
                .filter(|name| !undisturbed.contains(name))
                .collect();
            let expected: &[&str] = match disturbance {
                Disturbance::SecondBrowser => &["Sign-in completed"],
                Disturbance::SharedLaptop => &["Sign-out completed", "Sign-in completed"],
                _ => &[],
            };
            assert_eq!(besides, expected, "{disturbance:?}");
            assert_eq!(told.len(), undisturbed.len() + expected.len(), "{disturbance:?}");
        }
    }
}
