//! What is wrong with a form, field by field.

use serde::{Deserialize, Serialize};

/// The field that a problem belongs to: the `name` of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Not one field's problem: shown above the form.
    Form,
    /// E-mail address.
    Email,
    /// Password.
    Password,
    /// The password that the account has now.
    PresentPassword,
    /// A poll's question.
    Question,
    /// One of a poll's options, counted from 0.
    Option(u8),
    /// When a poll closes by itself.
    ClosesAt,
    /// What a voter chooses.
    Choice,
}

/// What is wrong, as the sentence that stands at the field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Nothing but white space.
    #[error("Please fill this in.")]
    Missing,
    /// More characters than are kept.
    #[error("Please use at most {max} characters; this has {len}.")]
    TooLong {
        /// Most characters.
        max: usize,
        /// Characters typed.
        len: usize,
    },
    /// Fewer characters than are safe.
    #[error("Please use at least {min} characters.")]
    TooShort {
        /// Fewest characters.
        min: usize,
    },
    /// A character that nobody can see or type on purpose.
    #[error("This contains an invisible control character. Please type it anew.")]
    ControlCharacter,
    /// Not `name@host.tld`.
    #[error("This does not look like an e-mail address. It needs the form name@example.com.")]
    NotAnEmail,
    /// Sign-up alone says so.
    #[error("There is an account with this address already. Sign in instead, or use another address.")]
    EmailTaken,
    /// Sign-in does not say which of the two is wrong.
    #[error("The address or the password is not right. Please check both.")]
    WrongCredentials,
    /// Whoever is signed in has to show that they know the password.
    #[error("This is not your password. Please check it.")]
    WrongPassword,
    /// Nothing to change.
    #[error("This is your address already.")]
    SameEmail,
    /// Used, expired, or made up.
    #[error("This link has been used, or its time is over. Please ask for a new one.")]
    LinkSpent,
    /// Throttled.
    #[error("Too many attempts. Please wait {minutes} min and try again.")]
    TooManyAttempts {
        /// Whole minutes to wait, at least 1.
        minutes: u32,
    },
    /// A poll with one option is no choice.
    #[error("Please give at least {min} options.")]
    TooFewOptions {
        /// Fewest options.
        min: usize,
    },
    /// More options than fit.
    #[error("Please give at most {max} options.")]
    TooManyOptions {
        /// Most options.
        max: usize,
    },
    /// The same option twice.
    #[error("This option is there already.")]
    DuplicateOption,
    /// Neither a date nor a time, or half of each.
    #[error("Please give a date and a time, like 2026-12-24T18:00.")]
    NotAMoment,
    /// A poll cannot close before it is there.
    #[error("This time has passed already. Please choose a later one.")]
    MomentPassed,
    /// The plan's limit of open polls.
    #[error("Your plan has room for {max} open polls. Close or delete one of yours, or change to Pro.")]
    OpenPollLimit {
        /// Most open polls.
        max: u32,
    },
    /// A closing time on Free.
    #[error("Closing times are part of Pro. Leave this empty, or change to Pro.")]
    ClosingTimeIsPro,
    /// An export on Free.
    #[error("Exports are part of Pro.")]
    ExportIsPro,
    /// It would no longer be what people voted on.
    #[error("Somebody has voted, so this poll can no longer be changed.")]
    PollHasVotes,
    /// Closed by its owner or by its time.
    #[error("This poll is closed.")]
    PollIsClosed,
    /// Not there, deleted, or somebody else's.
    #[error("There is no such poll. It may have been deleted.")]
    NoSuchPoll,
    /// The ballot shows another version of the poll than the one that is there now.
    #[error("This poll was changed while you looked at it. Please look again and choose.")]
    PollChanged,
    /// An empty ballot.
    #[error("Please choose an option.")]
    NoChoice,
    /// Several choices where one is asked for.
    #[error("Please choose one option only.")]
    OneChoiceOnly,
    /// Without a cookie one browser would be many voters.
    #[error(
        "Your browser has not kept our cookie, which is how we count each voter once. Please allow cookies and vote again."
    )]
    NoVoterCookie,
    /// Two people on one device would be one story: the first has to leave.
    #[error("You are signed in already. Please sign out first.")]
    SignedInAlready,
    /// The person is signed out by now.
    #[error("You are signed out. Please sign in and send the form again.")]
    SignedOut,
    /// A trial or a subscription is running.
    #[error("You are on Pro already.")]
    AlreadyPro,
    /// There is no subscription to change.
    #[error("There is no running subscription to change.")]
    NotSubscribed,
    /// The subscription changed since the page was loaded.
    #[error("Your subscription does not allow that as it stands now.")]
    NotAsItStands,
    /// The form was filled in by somebody else, or twice over.
    #[error("This page is out of date. Please load it again.")]
    StalePage,
    /// Stripe does not answer, or not well.
    #[error("Stripe does not answer right now, and nothing was changed. Please try again in a minute.")]
    StripeUnavailable,
    /// A live account without prices.
    #[error("Pro is not for sale here yet: the operator has not set up Stripe.")]
    NotForSale,
    /// Ours, not theirs; logged where it happened.
    #[error("Something went wrong on our side, and nothing was changed. Please try again.")]
    Internal,
}

/// A problem and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Where to show it.
    pub field: Field,
    /// What to say.
    pub problem: Problem,
}

/// All that is wrong with a form; empty only while it is being collected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// A single fault.
    pub fn one(field: Field, problem: Problem) -> Self {
        Self(vec![Fault { field, problem }])
    }

    /// The first problem of a field.
    pub fn at(&self, field: Field) -> Option<&Problem> {
        self.0
            .iter()
            .find(|fault| fault.field == field)
            .map(|fault| &fault.problem)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of the fields.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    pub(crate) fn add(&mut self, field: Field, problem: Problem) {
        self.0.push(Fault { field, problem });
    }

    /// Keeps a good value; notes the problem of a bad one.
    pub(crate) fn take<T>(&mut self, field: Field, parsed: Result<T, Problem>) -> Option<T> {
        parsed.map_err(|problem| self.add(field, problem)).ok()
    }
}
