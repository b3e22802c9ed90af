//! The cards of the page that are one line until they are opened.

use leptos::prelude::*;

use super::links;
use super::model::EventPage;

/// A card that is one line until it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineCard {
    /// The devices of the person.
    Person,
    /// The rules of the verdict.
    Verdict,
    /// Session metrics, stitched and unstitched.
    SessionMetrics,
    /// Anonymous history that was merged into the person.
    MergedHistory,
    /// Events that were fired and did not arrive.
    BrowserLoss,
    /// Revenue events against Stripe's ledger.
    Revenue,
}

impl TimelineCard {
    const ALL: [Self; 6] = [
        Self::Person,
        Self::Verdict,
        Self::SessionMetrics,
        Self::MergedHistory,
        Self::BrowserLoss,
        Self::Revenue,
    ];

    /// The ID of its element, which names it in the URL too.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Verdict => "verdict",
            Self::SessionMetrics => "session-metrics",
            Self::MergedHistory => "merged-history",
            Self::BrowserLoss => "browser-loss",
            Self::Revenue => "revenue",
        }
    }

    /// The cards that the URL names, separated by commas.
    pub(super) fn parse_list(text: &str) -> Vec<Self> {
        let named = |card: &Self| text.split(',').any(|id| id == card.id());
        Self::ALL.into_iter().filter(named).collect()
    }
}

/// A card with its line. The content is rendered if the URL names the card. Otherwise the card has a link to the URL that names
/// it, from which the script reads the card when it is opened.
pub(super) fn card_view<C: IntoView + 'static>(
    page: &EventPage,
    card: TimelineCard,
    class: &'static str,
    line: impl IntoView + 'static,
    content: impl FnOnce() -> C,
) -> AnyView {
    let id = card.id();
    let is_open = page.query.open.contains(&card);
    let (state, content) = if is_open {
        ("loaded", content().into_any())
    } else {
        let href = links::card_url(&page.query, card);
        let link = view! {
            <p class="details">
                <a href=href>"Show the details"</a>
            </p>
        };
        ("", link.into_any())
    };
    view! {
        <details id=id class=class open=is_open data-card=state>
            <summary class="chevron">{line}</summary>
            <div class="card-content">{content}</div>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_names_cards() {
        let all = TimelineCard::ALL.map(TimelineCard::id).join(",");
        assert_eq!(TimelineCard::parse_list(&all), TimelineCard::ALL);
        assert_eq!(
            TimelineCard::parse_list("verdict,nothing,person"),
            [TimelineCard::Person, TimelineCard::Verdict]
        );
        assert_eq!(TimelineCard::parse_list(""), []);
    }
}
