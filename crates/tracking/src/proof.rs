//! How an event got its user, its device and its session: in words, and link by link back to the click. Pure.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::presence::StitchedBy;
use crate::received::{ReceivedEvent, Source};
use crate::verdict::{EventName, Facts, Way};

/// The proof of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How it got its user.
    pub user: String,
    /// How it got its device.
    pub device: String,
    /// How it got its session.
    pub session: String,
    /// From the first cause to the event itself; of a browser event, that event alone.
    pub chain: Vec<Link>,
}

/// One link of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where it is.
    pub place: Place,
    /// What happened there.
    pub says: String,
    /// Its IDs, each by name.
    pub ids: Vec<(String, String)>,
    /// The event of the story that it is.
    pub event: Option<EventName>,
}

/// Where a link of a chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the browser.
    Browser,
    /// In a request that our server answered.
    Request,
    /// In Stripe's metadata, or in our row of the visit to its portal.
    Handoff,
    /// In a webhook.
    Webhook,
    /// In the outbox, and then at Amplitude.
    Event,
}

impl Place {
    /// The word above it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Browser => "Click",
            Self::Request => "Request",
            Self::Handoff => "Handoff",
            Self::Webhook => "Webhook",
            Self::Event => "Event",
        }
    }
}

/// The proof of `event`, which is one of `events`.
pub fn proof<E: Borrow<ReceivedEvent>>(event: &ReceivedEvent, events: &[E], facts: &Facts) -> Proof {
    Proof {
        user: user(event),
        device: device(event),
        session: session(event),
        chain: chain(event, events, facts),
    }
}

fn user(event: &ReceivedEvent) -> String {
    match (event.source, event.user.is_some()) {
        (Source::Browser, false) => {
            "None yet: nobody was signed in. The device leads to whoever signs in on it."
        }
        (Source::Browser, true) => "The document said who is signed in, and the SDK was started with it.",
        (Source::Server, _) => "The account whose login made the change, in that transaction.",
        (Source::Stripe, _) => {
            "The account of the Stripe customer in the webhook. The metadata's user must agree."
        }
    }
    .to_owned()
}

fn device(event: &ReceivedEvent) -> String {
    match (event.source, event.stitched_by) {
        (Source::Browser, _) => "Minted by the server with the first document; the SDK was started with it.",
        (_, Some(StitchedBy::SdkCookie | StitchedBy::ServerSession)) => {
            "From the device cookie of the request that confirmed it."
        }
        (_, Some(StitchedBy::CheckoutHandoff)) => "From Stripe's metadata, where the click had put it.",
        (_, Some(StitchedBy::PortalVisit)) => "From the visit to Stripe's portal, noted before the redirect.",
        (_, Some(StitchedBy::StaleHandoff)) => {
            "From an older click: the browser in which the account was at home."
        }
        (_, Some(StitchedBy::NoneKnown)) if event.derived_device => {
            "None known. Amplitude made this one up from the user ID."
        }
        (_, Some(StitchedBy::NoneKnown)) => "None known.",
        (_, Some(StitchedBy::NoneByRule)) if event.derived_device => {
            "None, by rule: nobody was there. Amplitude made this one up from the user ID."
        }
        (_, Some(StitchedBy::NoneByRule)) => "None, by rule: nobody was there.",
        (_, None) => "The event does not say.",
    }
    .to_owned()
}

fn session(event: &ReceivedEvent) -> String {
    match (event.source, event.stitched_by) {
        (Source::Browser, _) if event.session.is_none() => "None: it was sent outside of any session.",
        (Source::Browser, _) => "The SDK's, which the server had resolved for the document.",
        (_, Some(StitchedBy::SdkCookie)) => {
            "From the cookie of Amplitude's SDK in the same request: it vouches that the SDK is in this session."
        }
        (_, Some(StitchedBy::ServerSession)) => {
            "From our own session cookie: the SDK has not run in this session, or not lately."
        }
        (_, Some(StitchedBy::CheckoutHandoff)) => {
            "From Stripe's metadata: the session of the click, which was younger than the timeout."
        }
        (_, Some(StitchedBy::PortalVisit)) => {
            "From the visit to Stripe's portal, which was younger than the timeout."
        }
        (_, Some(StitchedBy::StaleHandoff)) => {
            "None: the click is older than a session lasts, and its session would be stretched."
        }
        (_, Some(StitchedBy::NoneKnown)) => "None: nobody knows in which browser this was done.",
        (_, Some(StitchedBy::NoneByRule)) => "None, by rule: it would stretch a session that has ended.",
        (_, None) => "The event does not say.",
    }
    .to_owned()
}

fn chain<E: Borrow<ReceivedEvent>>(event: &ReceivedEvent, events: &[E], facts: &Facts) -> Vec<Link> {
    let text = |key: &str| event.properties.get(key).and_then(Value::as_str);
    let mut chain = Vec::new();
    let (click, visit) = (text("click"), text("portal_visit"));
    if let Some(click) = click {
        chain.push(click_link(click, events));
    }
    if let Some(id) = visit.or(click) {
        chain.push(handoff_link(id, visit.is_some(), facts));
    }
    match event.source {
        Source::Browser => {}
        Source::Server if event.stitched_by == Some(StitchedBy::NoneByRule) => {}
        Source::Server => chain.push(Link {
            place: Place::Request,
            says: "The request that confirmed the change brought the cookies along.".into(),
            ids: Vec::new(),
            event: None,
        }),
        Source::Stripe => {
            let id = text("stripe_event").unwrap_or_default();
            chain.push(Link {
                place: Place::Webhook,
                says: "Stripe told of it; the signature was checked, the body stored as it came.".into(),
                ids: named([("Stripe event", Some(id))]),
                event: None,
            });
        }
    }
    let says = match event.source {
        Source::Browser => "The SDK sent it through our own route.",
        Source::Server | Source::Stripe => "Written into the outbox with the change, and sent from there.",
    };
    chain.push(Link {
        place: if event.source == Source::Browser {
            Place::Browser
        } else {
            Place::Event
        },
        says: says.into(),
        ids: named([("Insert ID", event.insert_id.as_deref())]),
        event: Some(EventName::of(event)),
    });
    chain
}

fn click_link<E: Borrow<ReceivedEvent>>(click: &str, events: &[E]) -> Link {
    let told = events
        .iter()
        .map(Borrow::borrow)
        .find(|event: &&ReceivedEvent| event.insert_id.as_deref() == Some(click));
    let says = match told {
        Some(event) => format!("{}, told by the browser.", event.name),
        None => "A click whose event is not among those that are told here; its ID was in the form.".into(),
    };
    Link {
        place: Place::Browser,
        says,
        ids: named([("Click", Some(click))]),
        event: told.map(EventName::of),
    }
}

fn handoff_link(id: &str, is_visit: bool, facts: &Facts) -> Link {
    let noted = facts.handoff(id);
    let says = match noted.map(|noted| noted.way) {
        Some(Way::Checkout) => {
            "The IDs went into the metadata of Checkout, and with it into the subscription."
        }
        Some(Way::Cancel | Way::Resume | Way::Change) => {
            "The IDs went into the subscription's metadata in the very call that changed it."
        }
        Some(Way::Portal) => "The IDs were noted before the redirect: a portal session carries no metadata.",
        None if is_visit => "A visit to Stripe's portal.",
        None => "Metadata of the subscription.",
    };
    let device = noted
        .and_then(|noted| noted.device.as_ref())
        .map(|device| device.as_str());
    let session = noted
        .and_then(|noted| noted.session)
        .map(|session| session.to_string());
    let id = if is_visit {
        [("Visit", Some(id))]
    } else {
        [("seam_click", Some(id))]
    };
    let ids = [("seam_device", device), ("seam_session", session.as_deref())];
    Link {
        place: Place::Handoff,
        says: says.into(),
        ids: named(id.into_iter().chain(ids)),
        event: None,
    }
}

fn named<'a>(ids: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Vec<(String, String)> {
    ids.into_iter()
        .filter_map(|(name, id)| Some((name.to_owned(), id?.to_owned())))
        .collect()
}

/// How a browser's events from before anybody was known came to the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The browser.
    pub device: String,
    /// How many events it had told of without a user.
    pub anonymous: usize,
    /// The first of them, in ms since the epoch.
    pub since_ms: i64,
    /// The event that named the user.
    pub by: EventName,
}

/// Each device's anonymous history and the event that tied it to the person, the oldest first.
pub fn joined(events: &[ReceivedEvent]) -> Vec<Joined> {
    let mut ordered: Vec<&ReceivedEvent> = events.iter().filter(|event| !event.derived_device).collect();
    ordered.sort_by_key(|event| (event.time_ms, &event.uuid));
    let mut joined: Vec<Joined> = Vec::new();
    for by in ordered.iter().filter(|event| event.user.is_some()) {
        let Some(device) = by.device.as_deref() else {
            continue;
        };
        if joined.iter().any(|known| known.device == device) {
            continue;
        }
        let anonymous: Vec<&&ReceivedEvent> = ordered
            .iter()
            .filter(|event| event.user.is_none() && event.device.as_deref() == Some(device))
            .filter(|event| event.time_ms <= by.time_ms)
            .collect();
        if let Some(first) = anonymous.first() {
            joined.push(Joined {
                device: device.to_owned(),
                anonymous: anonymous.len(),
                since_ms: first.time_ms,
                by: EventName::of(by),
            });
        }
    }
    joined
}
