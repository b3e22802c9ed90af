//! The result of a run: the verdict on each timeline, and the findings.

use leptos::prelude::*;
use tracking::verdict::{Finding, Rule, RuleOutcome};

use super::disturbance::Disturbance;
use super::model::{Outcome, UserResult};

/// Most findings of one rule that are shown.
const SHOWN: usize = 5;

/// The verdict, with what is explained or broken and why.
#[component]
pub(super) fn OutcomeView(
    /// What was run.
    disturbance: Disturbance,
    /// The result.
    outcome: Outcome,
) -> impl IntoView {
    let clean = outcome.is_clean();
    let (class, label, mark) = match clean {
        true => ("lab-outcome clean", "Clean", "✓"),
        false => ("lab-outcome broken", "Not clean", "✗"),
    };
    let summary = outcome.in_words();
    let several = outcome.users.len() > 1;
    let seconds = outcome.took_ms as f64 / 1_000.0;
    let users = outcome.users.into_iter().enumerate().map(|(place, user)| {
        // The ID is the same for the next run: open findings then stay open while the page refreshes.
        let findings_id = format!("findings-{}-{place}", disturbance.name());
        view! { <UserResultView user several findings_id /> }
    });
    view! {
        <div class=class data-clean=clean.to_string()>
            <p class="lab-outcome-head">
                <span class="stamp" aria-hidden="true">
                    {mark}
                </span>
                <strong>{label}</strong>
                <span class="quiet">{format!("in {seconds:.1} s")}</span>
            </p>
            <p>{summary}</p>
            {users.collect_view()}
        </div>
    }
}

#[component]
fn UserResultView(
    user: UserResult,
    /// The run has several users.
    several: bool,
    /// ID of the list of findings.
    findings_id: String,
) -> impl IntoView {
    let href = format!("/timeline?find={}", user.user);
    let label = match several {
        true => format!("Timeline of {}", user.who),
        false => "Timeline".to_owned(),
    };
    let events = match user.verdict.events {
        1 => "1 event".to_owned(),
        events => format!("{events} events"),
    };
    let findings: Vec<_> = user
        .verdict
        .rulings
        .into_iter()
        .flat_map(|ruling| shown_findings(ruling.rule, ruling.findings))
        .collect();
    let findings = (!findings.is_empty()).then(|| view! { <Findings id=findings_id findings /> });
    view! {
        <p class="lab-timeline">
            <a href=href>{label}</a>
            <span class="quiet">{events}</span>
        </p>
        {findings}
    }
}

/// The first findings of a rule. The last of them has the number of findings that are left out.
fn shown_findings(rule: Rule, findings: Vec<Finding>) -> impl Iterator<Item = (Rule, Finding, usize)> {
    let left_out = findings.len().saturating_sub(SHOWN);
    findings
        .into_iter()
        .take(SHOWN)
        .enumerate()
        .map(move |(place, finding)| (rule, finding, if place + 1 == SHOWN { left_out } else { 0 }))
}

#[component]
fn Findings(id: String, findings: Vec<(Rule, Finding, usize)>) -> impl IntoView {
    let all_explained = findings
        .iter()
        .all(|(_, finding, _)| finding.outcome == RuleOutcome::Explained);
    let summary = match all_explained {
        true => "What is explained, and why",
        false => "What is broken, and why",
    };
    let findings = findings
        .into_iter()
        .map(|(rule, finding, more)| view! { <FindingView rule finding more /> });
    view! {
        <details id=id open=!all_explained>
            <summary>{summary}</summary>
            <ul class="lab-findings">{findings.collect_view()}</ul>
        </details>
    }
}

#[component]
fn FindingView(
    rule: Rule,
    finding: Finding,
    /// How many findings of this rule are left out after it.
    more: usize,
) -> impl IntoView {
    let name = finding
        .event
        .map(|event| view! { <strong>{event.name}</strong>": " });
    let outcome = finding.outcome.as_str();
    view! {
        <li class=outcome data-outcome=outcome>
            <span class="lab-rule">{rule.title()}</span>
            <span>{name} {finding.reason}</span>
            {(more > 0).then(|| view! { <span class="quiet">{format!("and {more} more")}</span> })}
        </li>
    }
}
