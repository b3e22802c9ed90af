//! What can go wrong around a life that is lived right: data, and nothing else. What each means to the stand-ins stands in
//! the server's `lab`.

use serde::{Deserialize, Serialize};
use tracking::verdict::Rule;

/// One thing that disturbs a scripted life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disturbance {
    /// None, for comparison.
    Nothing,
    /// Stripe's webhooks come late.
    WebhooksDelayed,
    /// Each of Stripe's webhooks comes twice.
    WebhooksDuplicated,
    /// Stripe's webhooks come in an order drawn by chance.
    WebhooksReordered,
    /// Stripe does not hear our answers to its webhooks.
    WebhookAnswersLost,
    /// The webhook is faster than the browser.
    WebhooksBeforeRedirect,
    /// The browser is faster than the webhook.
    WebhooksAfterRedirect,
    /// Amplitude answers 429.
    AmplitudeThrottles,
    /// Amplitude answers 500.
    AmplitudeFails,
    /// Amplitude does not answer.
    AmplitudeHangs,
    /// The SDK is blocked.
    SdkBlocked,
    /// The browser's clock is 50 seconds ahead.
    ClockOffBySeconds,
    /// The browser's clock is 5 minutes ahead.
    ClockOffByMinutes,
    /// The server's workers die in the middle of their work.
    WorkersRestarted,
    /// The same person in another browser.
    SecondBrowser,
    /// Another person in the same browser.
    SharedLaptop,
}

/// What a disturbance is about: headings of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The life as it should be.
    Control,
    /// Between Stripe and us.
    Webhooks,
    /// Between us and Amplitude.
    Amplitude,
    /// Between the person and us.
    Browser,
    /// Ourselves.
    Server,
}

impl Group {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 5] = [
        Self::Control,
        Self::Webhooks,
        Self::Amplitude,
        Self::Browser,
        Self::Server,
    ];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Control => "For comparison",
            Self::Webhooks => "Stripe’s webhooks",
            Self::Amplitude => "Amplitude",
            Self::Browser => "Browsers and people",
            Self::Server => "The server",
        }
    }

    /// Its heading's ID in the page.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Control => "lab-control",
            Self::Webhooks => "lab-webhooks",
            Self::Amplitude => "lab-amplitude",
            Self::Browser => "lab-browsers",
            Self::Server => "lab-server",
        }
    }

    /// Its disturbances.
    pub fn disturbances(self) -> impl Iterator<Item = Disturbance> {
        Disturbance::ALL
            .into_iter()
            .filter(move |disturbance| disturbance.group() == self)
    }
}

impl Disturbance {
    /// All of them, in the order in which they are run.
    pub const ALL: [Self; 16] = [
        Self::Nothing,
        Self::WebhooksDelayed,
        Self::WebhooksDuplicated,
        Self::WebhooksReordered,
        Self::WebhookAnswersLost,
        Self::WebhooksBeforeRedirect,
        Self::WebhooksAfterRedirect,
        Self::AmplitudeThrottles,
        Self::AmplitudeFails,
        Self::AmplitudeHangs,
        Self::SdkBlocked,
        Self::ClockOffBySeconds,
        Self::ClockOffByMinutes,
        Self::SecondBrowser,
        Self::SharedLaptop,
        Self::WorkersRestarted,
    ];

    /// Its name in forms, URLs and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::WebhooksDelayed => "webhooks-delayed",
            Self::WebhooksDuplicated => "webhooks-duplicated",
            Self::WebhooksReordered => "webhooks-reordered",
            Self::WebhookAnswersLost => "webhook-answers-lost",
            Self::WebhooksBeforeRedirect => "webhooks-before-redirect",
            Self::WebhooksAfterRedirect => "webhooks-after-redirect",
            Self::AmplitudeThrottles => "amplitude-throttles",
            Self::AmplitudeFails => "amplitude-fails",
            Self::AmplitudeHangs => "amplitude-hangs",
            Self::SdkBlocked => "sdk-blocked",
            Self::ClockOffBySeconds => "clock-off-by-seconds",
            Self::ClockOffByMinutes => "clock-off-by-minutes",
            Self::WorkersRestarted => "workers-restarted",
            Self::SecondBrowser => "second-browser",
            Self::SharedLaptop => "shared-laptop",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|disturbance| disturbance.name() == name)
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing disturbed",
            Self::WebhooksDelayed => "Webhooks delayed",
            Self::WebhooksDuplicated => "Webhooks duplicated",
            Self::WebhooksReordered => "Webhooks reordered",
            Self::WebhookAnswersLost => "Answers to webhooks lost",
            Self::WebhooksBeforeRedirect => "Webhook before the redirect",
            Self::WebhooksAfterRedirect => "Webhook after the redirect",
            Self::AmplitudeThrottles => "Amplitude answers 429",
            Self::AmplitudeFails => "Amplitude answers 500",
            Self::AmplitudeHangs => "Amplitude hangs",
            Self::SdkBlocked => "SDK blocked",
            Self::ClockOffBySeconds => "Clock off by 50 seconds",
            Self::ClockOffByMinutes => "Clock off by 5 minutes",
            Self::WorkersRestarted => "Server restarted mid-flow",
            Self::SecondBrowser => "Second browser",
            Self::SharedLaptop => "Shared laptop",
        }
    }

    /// What it does to the life, in a sentence.
    pub const fn describes(self) -> &'static str {
        match self {
            Self::Nothing => "The life as it should be.",
            Self::WebhooksDelayed => "Every webhook leaves Stripe 1.5 seconds late.",
            Self::WebhooksDuplicated => "Every webhook is delivered twice.",
            Self::WebhooksReordered => {
                "The webhooks of Checkout, and those of the trial’s end, are held back and sent in an order drawn by chance."
            }
            Self::WebhookAnswersLost => {
                "The first two webhooks arrive, and Stripe does not hear that they did: it sends them again."
            }
            Self::WebhooksBeforeRedirect => {
                "The browser comes back from Checkout only after the webhook was applied and told."
            }
            Self::WebhooksAfterRedirect => {
                "Stripe holds every webhook back until the browser has come back from Checkout."
            }
            Self::AmplitudeThrottles => {
                "Every upload is answered 429, the browser’s and the server’s, from before the sign-up until after Checkout."
            }
            Self::AmplitudeFails => {
                "Every upload is answered 500, the browser’s and the server’s, from before the sign-up until after Checkout."
            }
            Self::AmplitudeHangs => {
                "No upload is answered at all, from before the sign-up until after Checkout."
            }
            Self::SdkBlocked => "Neither the SDK nor its events get through: a content blocker.",
            Self::ClockOffBySeconds => {
                "The browser’s clock is 50 seconds ahead: below a minute our page corrects it."
            }
            Self::ClockOffByMinutes => {
                "The browser’s clock is 5 minutes ahead: from a minute on Amplitude corrects it."
            }
            Self::WorkersRestarted => {
                "While an upload hangs, the outbox’s dispatcher and all webhook workers are killed with what they have in hand. Checkout’s webhooks come in while none runs; then new ones start. The web server itself stays up: it shows this page."
            }
            Self::SecondBrowser => "The person signs in from another browser as well, and cancels there.",
            Self::SharedLaptop => {
                "In the middle of the trial the person signs out, somebody else signs up in that browser and leaves, and the person comes back."
            }
        }
    }

    /// What its reader should find, in a sentence.
    pub const fn expect(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing to explain.",
            Self::WebhooksDelayed
            | Self::WebhooksReordered
            | Self::WebhooksBeforeRedirect
            | Self::WebhooksAfterRedirect => {
                "Nothing to explain: what happened is read from Stripe’s objects, not from the order of its messages."
            }
            Self::WebhooksDuplicated | Self::WebhookAnswersLost => {
                "Nothing to explain: the inbox keeps a webhook once, and an event’s insert ID is the same each time."
            }
            Self::AmplitudeThrottles | Self::AmplitudeFails | Self::AmplitudeHangs => {
                "Nothing to explain: the outbox and the SDK send again, later, what happened then."
            }
            Self::SdkBlocked => {
                "Explained: the server’s events lie in a session that no browser tells of, since the SDK never ran there, and the click before the trial is missing."
            }
            Self::ClockOffBySeconds | Self::ClockOffByMinutes => {
                "Nothing to explain, but a browser event up to a second out of place."
            }
            Self::WorkersRestarted => {
                "Nothing to explain: what was in hand comes back when its lease runs out, after half a minute."
            }
            Self::SecondBrowser => {
                "Nothing to explain: two devices, two sessions, one person, and the cancellation lies in the second one’s."
            }
            Self::SharedLaptop => {
                "Nothing to explain, in neither of the two stories: a sign-out turns the browser into a new device."
            }
        }
    }

    /// Rules that have something to explain under it, always. Besides these, a moment can be explained under any of them:
    /// Stripe tells its own in whole seconds.
    pub const fn explains(self) -> &'static [Rule] {
        match self {
            Self::SdkBlocked => &[Rule::PresentInSession, Rule::CausalOrder],
            _ => &[],
        }
    }

    /// Under which heading it stands.
    pub const fn group(self) -> Group {
        match self {
            Self::Nothing => Group::Control,
            Self::WebhooksDelayed
            | Self::WebhooksDuplicated
            | Self::WebhooksReordered
            | Self::WebhookAnswersLost
            | Self::WebhooksBeforeRedirect
            | Self::WebhooksAfterRedirect => Group::Webhooks,
            Self::AmplitudeThrottles | Self::AmplitudeFails | Self::AmplitudeHangs => Group::Amplitude,
            Self::SdkBlocked
            | Self::ClockOffBySeconds
            | Self::ClockOffByMinutes
            | Self::SecondBrowser
            | Self::SharedLaptop => Group::Browser,
            Self::WorkersRestarted => Group::Server,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_is_one_disturbance_and_the_same_in_json() {
        let names: BTreeSet<&str> = Disturbance::ALL.into_iter().map(Disturbance::name).collect();
        assert_eq!(names.len(), Disturbance::ALL.len());
        for disturbance in Disturbance::ALL {
            assert_eq!(Disturbance::parse(disturbance.name()), Some(disturbance));
            assert_eq!(
                serde_json::to_value(disturbance).unwrap(),
                disturbance.name(),
                "{disturbance:?}"
            );
        }
        assert_eq!(Disturbance::parse("earthquake"), None);
    }

    #[test]
    fn the_page_has_each_of_them_once() {
        let shown: Vec<Disturbance> = Group::ALL.into_iter().flat_map(Group::disturbances).collect();
        let all: BTreeSet<Disturbance> = Disturbance::ALL.into_iter().collect();
        assert_eq!(shown.len(), all.len());
        assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), all);
    }
}
