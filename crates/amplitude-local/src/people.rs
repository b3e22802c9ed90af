//! Whose an event is: Amplitude's published cases, as one decision. Pure.
//!
//! Source: "Track unique users". A user ID beats a device ID; an anonymous event goes to the last user known
//! on its device; a user seen for the first time on an anonymous device joins that history under the same
//! Amplitude ID; a user who already has an Amplitude ID and signs in on a device with an anonymous history
//! gets that history merged; two user IDs are never merged.

/// Amplitude's own ID of a person.
pub(crate) type AmplitudeId = i64;

/// Whom a device's anonymous events go to at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The device was never seen.
    Nobody,
    /// Someone without a user ID.
    Anonymous(AmplitudeId),
    /// The last user known on the device.
    Known(AmplitudeId),
}

/// Who the event names by its user ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The event has no user ID.
    No,
    /// A user ID that was never seen.
    New,
    /// A user ID that has an Amplitude ID.
    Known(AmplitudeId),
}

/// What becomes of the event's person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attribution {
    /// A new Amplitude ID without a user.
    NewAnonymous,
    /// A new Amplitude ID with the event's user.
    NewUser,
    /// Somebody who is there already.
    Existing(AmplitudeId),
    /// The anonymous person of the device becomes the event's user.
    Claim(AmplitudeId),
    /// The anonymous person of the device is merged into the event's user.
    Merge {
        /// The anonymous person, whose Amplitude ID stays on the events it has.
        from: AmplitudeId,
        /// The user, whose Amplitude ID stands for both from now on.
        into: AmplitudeId,
    },
}

impl Attribution {
    /// In words, for the timeline.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::NewAnonymous => "new anonymous person",
            Self::NewUser => "new user",
            Self::Existing(_) => "existing person",
            Self::Claim(_) => "user joins the device's anonymous history",
            Self::Merge { .. } => "anonymous history merged into the user",
        }
    }
}

/// Decides whose an event is. An event with a user ID also binds the device to that user, whatever comes out.
pub(crate) fn attribute(device: Holder, user: Named) -> Attribution {
    match (user, device) {
        (Named::No, Holder::Nobody) => Attribution::NewAnonymous,
        (Named::No, Holder::Anonymous(person) | Holder::Known(person)) => Attribution::Existing(person),
        (Named::New, Holder::Anonymous(person)) => Attribution::Claim(person),
        (Named::New, Holder::Nobody | Holder::Known(_)) => Attribution::NewUser,
        (Named::Known(user), Holder::Anonymous(person)) => Attribution::Merge {
            from: person,
            into: user,
        },
        (Named::Known(user), Holder::Nobody | Holder::Known(_)) => Attribution::Existing(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_cases() {
        let rows = [
            (
                "first event of a device",
                Holder::Nobody,
                Named::No,
                Attribution::NewAnonymous,
            ),
            (
                "anonymous again",
                Holder::Anonymous(1),
                Named::No,
                Attribution::Existing(1),
            ),
            (
                "anonymous after a user",
                Holder::Known(2),
                Named::No,
                Attribution::Existing(2),
            ),
            (
                "a user from a server",
                Holder::Nobody,
                Named::New,
                Attribution::NewUser,
            ),
            (
                "sign-up on an anonymous device",
                Holder::Anonymous(1),
                Named::New,
                Attribution::Claim(1),
            ),
            (
                "a second account on a device",
                Holder::Known(2),
                Named::New,
                Attribution::NewUser,
            ),
            (
                "a user on a second device",
                Holder::Nobody,
                Named::Known(2),
                Attribution::Existing(2),
            ),
            (
                "sign-in on an anonymous device",
                Holder::Anonymous(1),
                Named::Known(2),
                Attribution::Merge { from: 1, into: 2 },
            ),
            (
                "two user IDs never merge",
                Holder::Known(3),
                Named::Known(2),
                Attribution::Existing(2),
            ),
            (
                "the same user again",
                Holder::Known(2),
                Named::Known(2),
                Attribution::Existing(2),
            ),
        ];
        for (name, device, user, expected) in rows {
            assert_eq!(attribute(device, user), expected, "{name}");
        }
    }
}
