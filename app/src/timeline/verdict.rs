//! The verdict: clean or not in one line, with the rules when it is opened.

use std::sync::Arc;

use leptos::prelude::*;
use tracking::verdict::{Finding, RuleOutcome, Ruling};

use super::card::{TimelineCard, card_view};
use super::links;
use super::model::EventPage;

/// Most findings of one rule that are listed.
const MAX_FINDINGS: usize = 10;

/// The verdict on the newest events. Empty without events.
#[component]
pub(super) fn VerdictView(page: Arc<EventPage>) -> impl IntoView {
    let analysis = page
        .analysis
        .as_ref()
        .filter(|analysis| analysis.verdict.events > 0);
    let clean = analysis.map(|analysis| analysis.verdict.clean.to_string());
    let find = page.query.find.as_deref();
    let part = analysis.map(|analysis| {
        let verdict = &analysis.verdict;
        let (class, stamp, word) = match verdict.clean {
            true => ("timeline-line timeline-verdict card clean", "✓", "Clean"),
            false => ("timeline-line timeline-verdict card broken", "✗", "Not clean"),
        };
        let about = match analysis.facts.read_from_ms {
            Some(_) => format!("Checked: the newest {} events.", verdict.events),
            None if verdict.events == 1 => "Checked: 1 event.".to_owned(),
            None => format!("Checked: all {} events.", verdict.events),
        };
        let line = view! {
            <h2>
                <span class="stamp" aria-hidden="true">{stamp}</span>
                {word}
            </h2>
            <span class="quiet">{verdict.summary()} " " {about}</span>
        };
        let rules = || {
            let rulings = verdict
                .rulings
                .iter()
                .map(|ruling| view! { <RulingView ruling=ruling.clone() find=find.map(str::to_owned) /> })
                .collect_view();
            view! {
                <ul class="timeline-rules">{rulings}</ul>
                <p><a href=links::verdict_url(find)>"Verdict as JSON"</a></p>
            }
        };
        card_view(&page, TimelineCard::Verdict, class, line, rules)
    });
    view! {
        <section id="verdict-part" aria-label="Verdict" hidden=clean.is_none() data-clean=clean data-live>
            {part}
        </section>
    }
}

#[component]
fn RulingView(ruling: Ruling, find: Option<String>) -> impl IntoView {
    let outcome = ruling.outcome.as_str();
    let title = ruling.rule.title();
    let found = match (ruling.outcome, ruling.checked, ruling.findings.len()) {
        (RuleOutcome::Holds, 0, _) => "nothing to check".to_owned(),
        (RuleOutcome::Holds, checked, _) => format!("holds for {checked}"),
        (_, _, 1) => outcome.to_owned(),
        (_, _, findings) => format!("{outcome}, {findings} times"),
    };
    let mark = match ruling.outcome {
        RuleOutcome::Holds => "✓",
        RuleOutcome::Explained => "i",
        RuleOutcome::Broken => "✗",
    };
    let head = view! {
        <span class="stamp" aria-hidden="true">{mark}</span>
        <span class="timeline-rule-title">{title}</span>
        <span class="timeline-rule-result">{found}</span>
    };
    let body = if ruling.findings.is_empty() {
        view! { <div class="timeline-rule" title=ruling.rule.question()>{head}</div> }.into_any()
    } else {
        let more = ruling.findings.len().saturating_sub(MAX_FINDINGS);
        let findings = ruling
            .findings
            .into_iter()
            .take(MAX_FINDINGS)
            .map(|finding| view! { <FindingView finding find=find.clone() /> })
            .collect_view();
        view! {
            <details id=format!("rule-{}", title.replace(' ', "-")) open=ruling.outcome == RuleOutcome::Broken>
                <summary class="timeline-rule" title=ruling.rule.question()>
                    {head}
                </summary>
                <ul class="timeline-findings">
                    {findings}
                    {(more > 0).then(|| view! { <li class="quiet">{format!("and {more} more")}</li> })}
                </ul>
            </details>
        }
        .into_any()
    };
    view! { <li class=outcome data-rule=title data-outcome=outcome>{body}</li> }
}

#[component]
fn FindingView(finding: Finding, find: Option<String>) -> impl IntoView {
    let event = finding.event.map(|event| {
        let href = links::event_url(find.as_deref(), &event.uuid);
        view! { <a href=href>{event.name}</a>": " }
    });
    view! { <li class=finding.outcome.as_str()>{event}{finding.reason}</li> }
}
