//! The steps and their texts.

/// A step of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum WalkStep {
    /// Make an account.
    SignUp,
    /// Another person votes, on another device.
    FriendVotes,
    /// Start a trial through Checkout and a webhook.
    Trial,
    /// The trial ends while the user is absent.
    TrialEnd,
    /// Cancel in Stripe's portal, which takes no metadata.
    Portal,
    /// Sign out, so that the next person can use this browser.
    SignOut,
}

impl WalkStep {
    /// In their order.
    pub(super) const ALL: [Self; 6] = [
        Self::SignUp,
        Self::FriendVotes,
        Self::Trial,
        Self::TrialEnd,
        Self::Portal,
        Self::SignOut,
    ];

    /// Its name in `data-step`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::FriendVotes => "friend-votes",
            Self::Trial => "trial",
            Self::TrialEnd => "trial-end",
            Self::Portal => "portal",
            Self::SignOut => "sign-out",
        }
    }

    /// Its title.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::SignUp => "Sign up",
            Self::FriendVotes => "Let a friend vote in a private window",
            Self::Trial => "Start a trial",
            Self::TrialEnd => "Jump to the end of the trial",
            Self::Portal => "Cancel in the portal",
            Self::SignOut => "Sign out on a shared laptop",
        }
    }

    /// What to do.
    pub(super) const fn instruction(self) -> &'static str {
        match self {
            Self::SignUp => "Make an account. Any address works: mails stay on this machine.",
            Self::FriendVotes => "Make a poll, copy its link, open it in a private window, and vote there.",
            Self::Trial => "Choose Pro and complete Checkout. No card is needed, and no payment is real.",
            Self::TrialEnd => {
                "Add the card 4242 4242 4242 4242 as the payment method. Then jump to the end of the trial."
            }
            Self::Portal => {
                "Follow “Card and invoices” to the stand-in for Stripe’s portal, and cancel there."
            }
            Self::SignOut => "Press “Sign out” above, then come back here. This browser is a new device now.",
        }
    }

    /// Which IDs move, and why.
    pub(super) const fn explanation(self) -> &'static str {
        match self {
            Self::SignUp => {
                "The cookies of the request carry device and session. The transaction that makes the account writes both into the event, with the new user ID, the context of the request (browser, language, page) and the campaign that you came from. Earlier anonymous events of this device are merged into your timeline."
            }
            Self::FriendVotes => {
                "A private window has its own device and session, and no user. Its event has the ID of your poll, but none of your own IDs: two people have two timelines."
            }
            Self::Trial => {
                "Device and session of the click go through Stripe in metadata. The webhook brings them back without a browser, and its event belongs to the session of the click. The context of the click is stored in our database, not at Stripe."
            }
            Self::TrialEnd => {
                "Days later the user is not present. By rule, the event carries the user ID only, and no context: a device or a session would make the earlier session last for days. The payment still counts for your campaign: see “Campaigns” under Operations."
            }
            Self::Portal => {
                "The portal carries no metadata. The server stores device and session before the redirect, and the event of the webhook takes them from there."
            }
            Self::SignOut => {
                "The event is the last that has both your user ID and this device. The browser becomes a new device in a new session, so the events of the next person are not yours."
            }
        }
    }

    /// Where to do it: path, and label of the link.
    pub(super) const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::SignUp => ("/sign-up", "To the sign-up form"),
            Self::FriendVotes => ("/polls/new", "Make a poll"),
            Self::Trial => ("/pricing", "To the prices"),
            Self::TrialEnd | Self::Portal => ("/billing", "To your billing"),
            Self::SignOut => ("/settings", "To your settings"),
        }
    }
}
