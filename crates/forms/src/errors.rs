//! What is wrong with a form, field by field.

use crate::field::Field;

/// What is wrong with a field, as the sentence that the page shows there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
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
    /// A control character, which no keyboard types into a field.
    #[error("This contains an invisible control character. Please type it again.")]
    ControlCharacter,
    /// An invisible character that hides or reorders text.
    #[error("This contains an invisible character (U+{code:04X}). Please delete it, or type the text again.")]
    InvisibleCharacter {
        /// The character's code point.
        code: u32,
    },
    /// Letters with so many marks that they cover the lines around them.
    #[error("The letters here carry too many marks. Please remove some.")]
    TooManyMarks,
    /// Not `name@host.tld`.
    #[error("This does not look like an email address. It needs the form name@example.com.")]
    NotAnEmail,
    /// Only sign-up reports it.
    #[error(
        "There is an account with this address already. Sign in, or set a new password with “Forgot your password?” on the sign-in page."
    )]
    EmailTaken,
    /// Sign-in does not say which of the two is wrong.
    #[error("The address or the password is not right. Please check both.")]
    WrongCredentials,
    /// A signed-in user has to enter the current password.
    #[error("This is not your password. Please check it.")]
    WrongPassword,
    /// Nothing to change.
    #[error("This is your address already.")]
    SameEmail,
    /// Used, expired, or made up.
    #[error("This link was used, or it has expired. Please ask for a new one.")]
    LinkExpired,
    /// The link works in a browser that is signed in to its account.
    #[error("This link belongs to another account. Please sign in to that account and open it there.")]
    LinkOfOtherAccount,
    /// Throttled.
    #[error("Too many attempts. Please wait {minutes} min and try again.")]
    TooManyAttempts {
        /// Whole minutes to wait, at least 1.
        minutes: u32,
    },
    /// More requests wait than the server can serve soon.
    #[error("The server is busy. Please try again in a few seconds.")]
    Busy,
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
    /// No date with a time, or an incomplete one.
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
    #[error("This poll has votes, so it can no longer be changed.")]
    PollHasVotes,
    /// Closed by its owner or by its time.
    #[error("This poll is closed.")]
    PollIsClosed,
    /// It does not exist, is deleted, or belongs to another account.
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
    /// The browser has not kept the cookie of a sign-in or of a choice.
    #[error(
        "Cookies are off: your browser has not kept the cookie of this site. Please allow cookies for this site and try again."
    )]
    CookiesOff,
    /// Two people on one device would be one timeline: the first has to sign out.
    #[error("You are signed in already. Please sign out first.")]
    SignedInAlready,
    /// The user is not signed in any more.
    #[error("You are signed out. Please sign in and send the form again.")]
    SignedOut,
    /// A trial or a subscription is running.
    #[error("You are on Pro already.")]
    AlreadyPro,
    /// The subscription is suspended: it does not run, and has not ended.
    #[error("You have a subscription that is not running. Continue or end it on the billing page first.")]
    Suspended,
    /// Staff deleted the customer in Stripe's dashboard.
    #[error(
        "Your customer record at Stripe was deleted, so your subscription has ended. You can start a new one on the pricing page."
    )]
    CustomerDeleted,
    /// There is no subscription to change.
    #[error("There is no running subscription to change.")]
    NotSubscribed,
    /// The subscription changed since the page was loaded.
    #[error("Your subscription does not allow this change now.")]
    ChangeNotAllowed,
    /// The form was sent by another user, or twice.
    #[error("This page is out of date. Please load it again.")]
    StalePage,
    /// Stripe cannot be reached, or responds with an error.
    #[error("Stripe does not answer right now, and nothing was changed. Please try again in a minute.")]
    StripeUnavailable,
    /// A live account without prices.
    #[error("Pro is not for sale here yet: the operator has not set up Stripe.")]
    NotForSale,
    /// An error of ours. It is logged where it happened.
    #[error("Something went wrong on our side, and nothing was changed. Please try again.")]
    Internal,
}

impl FieldError {
    /// After how many seconds the same request may succeed; `None` for errors that waiting does not remove.
    pub fn retry_after_secs(&self) -> Option<u32> {
        match self {
            Self::TooManyAttempts { minutes } => Some(minutes.saturating_mul(60)),
            Self::Busy => Some(5),
            _ => None,
        }
    }
}

/// All errors of a form, in the order of its fields. Empty only while they are collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(Field, FieldError)>);

impl FieldErrors {
    /// A single error.
    pub fn one(field: Field, error: FieldError) -> Self {
        Self(vec![(field, error)])
    }

    /// The first error of a field.
    pub fn at(&self, field: Field) -> Option<&FieldError> {
        self.0.iter().find(|(at, _)| *at == field).map(|(_, error)| error)
    }

    /// The first field that has an error.
    pub fn first_field(&self) -> Option<Field> {
        self.0.first().map(|(field, _)| *field)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, field: Field, error: FieldError) {
        self.0.push((field, error));
    }

    /// The value of a good field; of a bad one, records the error.
    pub(crate) fn take<T>(&mut self, field: Field, parsed: Result<T, FieldError>) -> Option<T> {
        parsed.map_err(|error| self.add(field, error)).ok()
    }
}
