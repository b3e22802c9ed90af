//! Which person an event belongs to, by Amplitude's published rules. No I/O.
//!
//! Source: "Track unique users". A user ID takes precedence over a device ID. An anonymous event belongs to the last user
//! of its device. When a new user ID appears on a device with an anonymous history, that history keeps its Amplitude ID and
//! gets the user ID. When a user who already has an Amplitude ID signs in on such a device, the anonymous history is merged
//! into the user. Two user IDs are never merged.

/// Amplitude's ID of a person.
pub(crate) type AmplitudeId = i64;

/// The person who gets a device's anonymous events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceOwner {
    /// The device is new.
    None,
    /// A person without a user ID.
    Anonymous(AmplitudeId),
    /// The last user of the device.
    User(AmplitudeId),
}

/// The user that an event names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventUser {
    /// The event has no user ID.
    None,
    /// The user ID is new.
    New,
    /// The user ID has an Amplitude ID.
    Known(AmplitudeId),
}

/// The person an event belongs to, and how that person changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attribution {
    /// A new person without a user ID.
    NewAnonymous,
    /// A new person with the event's user ID.
    NewUser,
    /// An existing person.
    Existing(AmplitudeId),
    /// The device's anonymous person, who gets the event's user ID.
    ClaimAnonymous(AmplitudeId),
    /// The event's user, into whom the device's anonymous person is merged.
    Merge {
        /// The anonymous person. Stored events keep this Amplitude ID.
        from: AmplitudeId,
        /// The user, whose Amplitude ID represents both after the merge.
        into: AmplitudeId,
    },
}

impl Attribution {
    /// The value of `local.attribution` in an exported event.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::NewAnonymous => "new anonymous person",
            Self::NewUser => "new user",
            Self::Existing(_) => "existing person",
            Self::ClaimAnonymous(_) => "user joins the device's anonymous history",
            Self::Merge { .. } => "anonymous history merged into the user",
        }
    }
}

/// Decides which person an event belongs to.
pub(crate) fn attribute(owner: DeviceOwner, user: EventUser) -> Attribution {
    match (user, owner) {
        (EventUser::None, DeviceOwner::None) => Attribution::NewAnonymous,
        (EventUser::None, DeviceOwner::Anonymous(person) | DeviceOwner::User(person)) => {
            Attribution::Existing(person)
        }
        (EventUser::New, DeviceOwner::Anonymous(person)) => Attribution::ClaimAnonymous(person),
        (EventUser::New, DeviceOwner::None | DeviceOwner::User(_)) => Attribution::NewUser,
        (EventUser::Known(user), DeviceOwner::Anonymous(person)) => Attribution::Merge {
            from: person,
            into: user,
        },
        (EventUser::Known(user), DeviceOwner::None | DeviceOwner::User(_)) => Attribution::Existing(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribution_follows_the_published_cases() {
        let rows = [
            (
                "first event of a device",
                DeviceOwner::None,
                EventUser::None,
                Attribution::NewAnonymous,
            ),
            (
                "anonymous again",
                DeviceOwner::Anonymous(1),
                EventUser::None,
                Attribution::Existing(1),
            ),
            (
                "anonymous after a user",
                DeviceOwner::User(2),
                EventUser::None,
                Attribution::Existing(2),
            ),
            (
                "a user from a server",
                DeviceOwner::None,
                EventUser::New,
                Attribution::NewUser,
            ),
            (
                "sign-up on an anonymous device",
                DeviceOwner::Anonymous(1),
                EventUser::New,
                Attribution::ClaimAnonymous(1),
            ),
            (
                "a second account on a device",
                DeviceOwner::User(2),
                EventUser::New,
                Attribution::NewUser,
            ),
            (
                "a user on a second device",
                DeviceOwner::None,
                EventUser::Known(2),
                Attribution::Existing(2),
            ),
            (
                "sign-in on an anonymous device",
                DeviceOwner::Anonymous(1),
                EventUser::Known(2),
                Attribution::Merge { from: 1, into: 2 },
            ),
            (
                "two user IDs never merge",
                DeviceOwner::User(3),
                EventUser::Known(2),
                Attribution::Existing(2),
            ),
            (
                "the same user again",
                DeviceOwner::User(2),
                EventUser::Known(2),
                Attribution::Existing(2),
            ),
        ];
        for (name, owner, user, expected) in rows {
            assert_eq!(attribute(owner, user), expected, "{name}");
        }
    }
}
