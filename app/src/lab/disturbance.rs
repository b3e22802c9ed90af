//! The disturbances: their names and texts. How each one is applied is in the server's `lab`.

use tracking::verdict::Rule;

/// A fault during a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disturbance {
    /// No disturbance, for comparison.
    Nothing,
    /// Stripe's webhooks are late.
    WebhooksDelayed,
    /// Each of Stripe's webhooks is delivered twice.
    WebhooksDuplicated,
    /// Stripe's webhooks are delivered in random order.
    WebhooksReordered,
    /// Stripe does not receive our responses to its webhooks.
    WebhookAnswersLost,
    /// The webhook arrives before the browser is redirected.
    WebhooksBeforeRedirect,
    /// The browser is redirected before the webhook arrives.
    WebhooksAfterRedirect,
    /// Amplitude answers 429.
    AmplitudeThrottles,
    /// Amplitude answers 500.
    AmplitudeFails,
    /// Amplitude does not answer.
    AmplitudeHangs,
    /// The SDK is blocked.
    SdkBlocked,
    /// The user comes from a campaign, and the SDK is blocked.
    CampaignBlocked,
    /// The browser's clock is 50 seconds ahead.
    ClockOffBySeconds,
    /// The browser's clock is 5 minutes ahead.
    ClockOffByMinutes,
    /// The server's workers are killed while they work.
    WorkersRestarted,
    /// The same user in a second browser.
    SecondBrowser,
    /// A second user in the same browser.
    SharedLaptop,
}

/// Disturbances under one heading of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// ID of the heading.
    pub(super) id: &'static str,
    /// The heading.
    pub(super) title: &'static str,
    /// What is under it.
    pub(super) disturbances: &'static [Disturbance],
}

/// All groups, in the order of the page.
pub(super) const GROUPS: [Group; 5] = [
    Group {
        id: "lab-control",
        title: "For comparison",
        disturbances: &[Disturbance::Nothing],
    },
    Group {
        id: "lab-webhooks",
        title: "Stripe’s webhooks",
        disturbances: &[
            Disturbance::WebhooksDelayed,
            Disturbance::WebhooksDuplicated,
            Disturbance::WebhooksReordered,
            Disturbance::WebhookAnswersLost,
            Disturbance::WebhooksBeforeRedirect,
            Disturbance::WebhooksAfterRedirect,
        ],
    },
    Group {
        id: "lab-amplitude",
        title: "Amplitude",
        disturbances: &[
            Disturbance::AmplitudeThrottles,
            Disturbance::AmplitudeFails,
            Disturbance::AmplitudeHangs,
        ],
    },
    Group {
        id: "lab-browsers",
        title: "Browsers and users",
        disturbances: &[
            Disturbance::SdkBlocked,
            Disturbance::CampaignBlocked,
            Disturbance::ClockOffBySeconds,
            Disturbance::ClockOffByMinutes,
            Disturbance::SecondBrowser,
            Disturbance::SharedLaptop,
        ],
    },
    Group {
        id: "lab-server",
        title: "The server",
        disturbances: &[Disturbance::WorkersRestarted],
    },
];

impl Disturbance {
    /// All of them, in the order in which they are run.
    pub const ALL: [Self; 17] = [
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
        Self::CampaignBlocked,
        Self::ClockOffBySeconds,
        Self::ClockOffByMinutes,
        Self::SecondBrowser,
        Self::SharedLaptop,
        Self::WorkersRestarted,
    ];

    /// Its name in forms and JSON.
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
            Self::CampaignBlocked => "campaign-blocked",
            Self::ClockOffBySeconds => "clock-off-by-seconds",
            Self::ClockOffByMinutes => "clock-off-by-minutes",
            Self::WorkersRestarted => "workers-restarted",
            Self::SecondBrowser => "second-browser",
            Self::SharedLaptop => "shared-laptop",
        }
    }

    /// The disturbance of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|disturbance| disturbance.name() == name)
    }

    /// Its title on the page.
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
            Self::CampaignBlocked => "Campaign click with the SDK blocked",
            Self::ClockOffBySeconds => "Clock off by 50 seconds",
            Self::ClockOffByMinutes => "Clock off by 5 minutes",
            Self::WorkersRestarted => "Server restarted mid-flow",
            Self::SecondBrowser => "Second browser",
            Self::SharedLaptop => "Shared laptop",
        }
    }

    /// What it does, as a sentence.
    pub const fn describes(self) -> &'static str {
        match self {
            Self::Nothing => "The scenario without a disturbance.",
            Self::WebhooksDelayed => "Every webhook leaves Stripe 1.5 seconds late.",
            Self::WebhooksDuplicated => "Every webhook is delivered twice.",
            Self::WebhooksReordered => {
                "The webhooks of Checkout, and those of the trial’s end, are held back and then sent in random order."
            }
            Self::WebhookAnswersLost => {
                "The first two webhooks arrive, but Stripe does not receive our responses and sends them again."
            }
            Self::WebhooksBeforeRedirect => {
                "The browser returns from Checkout only after the webhook was applied and its event was sent."
            }
            Self::WebhooksAfterRedirect => {
                "Stripe holds back every webhook until the browser has returned from Checkout."
            }
            Self::AmplitudeThrottles => {
                "Every upload of the browser and the server is answered with 429, from before the sign-up until after Checkout."
            }
            Self::AmplitudeFails => {
                "Every upload of the browser and the server is answered with 500, from before the sign-up until after Checkout."
            }
            Self::AmplitudeHangs => "No upload is answered, from before the sign-up until after Checkout.",
            Self::SdkBlocked => "A content blocker blocks the SDK and its events.",
            Self::CampaignBlocked => {
                "The user clicks on an advertisement. A content blocker blocks the SDK. The user starts a trial, which converts three days later."
            }
            Self::ClockOffBySeconds => {
                "The browser’s clock is 50 seconds ahead. Offsets below one minute are corrected by our page."
            }
            Self::ClockOffByMinutes => {
                "The browser’s clock is 5 minutes ahead. Offsets of one minute or more are corrected by Amplitude."
            }
            Self::WorkersRestarted => {
                "While an upload hangs, the dispatcher of the outbox and all webhook workers are killed, and their leases stay. Checkout’s webhooks arrive while no worker runs. Then new workers start. The web server keeps running, because it serves this page."
            }
            Self::SecondBrowser => "The user signs in from a second browser too, and cancels there.",
            Self::SharedLaptop => {
                "During the trial the user signs out, a second user signs up in that browser and signs out, and the first user signs in again."
            }
        }
    }

    /// The expected result, as a sentence.
    pub const fn expect(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing to explain.",
            Self::WebhooksDelayed
            | Self::WebhooksReordered
            | Self::WebhooksBeforeRedirect
            | Self::WebhooksAfterRedirect => {
                "Nothing to explain: the state is read from Stripe’s objects, not from the order of its webhooks."
            }
            Self::WebhooksDuplicated | Self::WebhookAnswersLost => {
                "Nothing to explain: the inbox stores each webhook once, and an event has the same insert ID each time."
            }
            Self::AmplitudeThrottles | Self::AmplitudeFails | Self::AmplitudeHangs => {
                "Nothing to explain: the outbox and the SDK send the events again later."
            }
            Self::SdkBlocked => {
                "Explained: the server’s events are in a session without browser events, because the SDK never ran in it, and the click before the trial is missing."
            }
            Self::CampaignBlocked => {
                "Explained as above. The server kept the first touch: Operations, “Campaigns” shows the payment under the campaign, and the SDK reported nothing."
            }
            Self::ClockOffBySeconds | Self::ClockOffByMinutes => {
                "Nothing to explain, except browser events that are up to one second out of order."
            }
            Self::WorkersRestarted => {
                "Nothing to explain: the leased rows are taken again when their leases expire, after 30 seconds."
            }
            Self::SecondBrowser => {
                "Nothing to explain: one user has two devices and two sessions, and the cancellation is in the second session."
            }
            Self::SharedLaptop => {
                "Nothing to explain in either timeline: signing out gives the browser a new device ID."
            }
        }
    }

    /// Rules that always have an explained finding under it. Under a clock that is off the order of browser events can be
    /// explained as well.
    pub const fn explains(self) -> &'static [Rule] {
        match self {
            Self::SdkBlocked | Self::CampaignBlocked => &[Rule::PresentInSession, Rule::CausalOrder],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_is_one_disturbance() {
        let names: BTreeSet<&str> = Disturbance::ALL.into_iter().map(Disturbance::name).collect();
        assert_eq!(names.len(), Disturbance::ALL.len());
        for disturbance in Disturbance::ALL {
            assert_eq!(Disturbance::parse(disturbance.name()), Some(disturbance));
        }
        assert_eq!(Disturbance::parse("earthquake"), None);
    }

    #[test]
    fn every_disturbance_is_in_one_group() {
        let shown: Vec<Disturbance> = GROUPS
            .iter()
            .flat_map(|group| group.disturbances)
            .copied()
            .collect();
        let all: BTreeSet<Disturbance> = Disturbance::ALL.into_iter().collect();
        assert_eq!(shown.len(), all.len());
        assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), all);
    }
}
