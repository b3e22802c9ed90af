//! What came of a life: the verdict on each story, and what was found.

use leptos::prelude::*;
use tracking::verdict::{Finding, Rule, Standing};

use super::board::{Outcome, Story};

/// Findings of one rule that are shown: that many of a kind say what there is to say.
const SHOWN: usize = 5;

/// The verdict, with what is explained or broken and why.
#[component]
pub(super) fn OutcomeView(outcome: Outcome) -> impl IntoView {
    let clean = outcome.is_clean();
    let (class, word, mark) = match clean {
        true => ("outcome clean", "Clean", "✓"),
        false => ("outcome broken", "Not clean", "✗"),
    };
    let several = outcome.stories.len() > 1;
    let seconds = outcome.took_ms as f64 / 1_000.0;
    view! {
        <div class=class data-clean=clean.to_string()>
            <p class="outcome-head">
                <span class="stamp" aria-hidden="true">
                    {mark}
                </span>
                <strong>{word}</strong>
                <span class="quiet">{format!("in {seconds:.1} s")}</span>
            </p>
            <p>{outcome.in_words()}</p>
            {outcome
                .stories
                .into_iter()
                .map(|story| view! { <StoryView story several /> })
                .collect_view()}
        </div>
    }
}

#[component]
fn StoryView(
    story: Story,
    /// Its person is one of several.
    several: bool,
) -> impl IntoView {
    let href = format!("/timeline?find={}", story.user);
    let findings: Vec<(Rule, Finding, usize)> = story
        .verdict
        .rulings
        .into_iter()
        .flat_map(|ruling| {
            let more = ruling.findings.len().saturating_sub(SHOWN);
            let rule = ruling.rule;
            let shown = ruling.findings.into_iter().take(SHOWN);
            shown
                .enumerate()
                .map(move |(place, finding)| (rule, finding, if place + 1 == SHOWN { more } else { 0 }))
        })
        .collect();
    let whose = match several {
        true => format!("Timeline of {}", story.who),
        false => "Timeline".to_owned(),
    };
    let events = match story.verdict.events {
        1 => "1 event".to_owned(),
        events => format!("{events} events"),
    };
    view! {
        <p class="story-link">
            <a href=href rel="external">
                {whose}
            </a>
            <span class="quiet">{events}</span>
        </p>
        {(!findings.is_empty())
            .then(|| {
                let all_explained = findings.iter().all(|(_, finding, _)| finding.standing == Standing::Explained);
                let summary = match all_explained {
                    true => "What is explained, and why",
                    false => "What is broken, and why",
                };
                view! {
                    <details open=!all_explained>
                        <summary>{summary}</summary>
                        <ul class="lab-findings">
                            {findings
                                .into_iter()
                                .map(|(rule, finding, more)| view! { <FindingView rule finding more /> })
                                .collect_view()}
                        </ul>
                    </details>
                }
            })}
    }
}

#[component]
fn FindingView(
    rule: Rule,
    finding: Finding,
    /// How many more of its kind there are.
    more: usize,
) -> impl IntoView {
    let name = finding
        .event
        .map(|event| view! { <strong>{event.name}</strong>": " });
    let standing = finding.standing.as_str();
    view! {
        <li class=standing data-standing=standing>
            <span class="rule-name">{rule.title()}</span>
            <span>{name} {finding.reason}</span>
            {(more > 0).then(|| view! { <span class="quiet">{format!("and {more} more")}</span> })}
        </li>
    }
}
