//! The verdict: clean or not, and what each rule says.

use leptos::prelude::*;
use tracking::verdict::{Finding, Ruling, Standing};

use super::links;
use super::story::Shown;

/// The verdict on the newest events, rule by rule.
#[component]
pub(super) fn VerdictView(shown: Shown) -> impl IntoView {
    let find = shown.asked.with_value(|asked| asked.find.clone());
    let json = links::verdict(find.as_deref());
    move || {
        let judged = shown.judgement.get()?;
        let verdict = judged.verdict;
        (verdict.events > 0).then(|| {
            let clean = verdict.clean;
            let (class, word) = match clean {
                true => ("verdict card clean", "Clean"),
                false => ("verdict card broken", "Not clean"),
            };
            let about = match judged.facts.read_from_ms {
                Some(_) => format!("Of the newest {} events.", verdict.events),
                None if verdict.events == 1 => "Of the only event.".to_owned(),
                None => format!("Of all {} events.", verdict.events),
            };
            let words = verdict.in_words();
            let rulings = verdict
                .rulings
                .into_iter()
                .map(|ruling| view! { <RulingView ruling shown /> });
            let json = json.clone();
            view! {
                <section class=class aria-label="Verdict" data-clean=clean.to_string()>
                    <header>
                        <h2>
                            <span class="stamp" aria-hidden="true">{if clean { "✓" } else { "✗" }}</span>
                            {word}
                        </h2>
                        <p class="quiet">{words} " " {about}</p>
                        <a href=json rel="external">"As JSON"</a>
                    </header>
                    <ul class="rules">{rulings.collect_view()}</ul>
                </section>
            }
        })
    }
}

#[component]
fn RulingView(ruling: Ruling, shown: Shown) -> impl IntoView {
    let standing = ruling.standing.as_str();
    let title = ruling.rule.title();
    let found = match (ruling.standing, ruling.checked, ruling.findings.len()) {
        (Standing::Holds, 0, _) => "nothing to look at".to_owned(),
        (Standing::Holds, checked, _) => format!("holds for {checked}"),
        (_, _, 1) => standing.to_owned(),
        (_, _, findings) => format!("{standing}, {findings} times"),
    };
    let head = view! {
        <span class="mark" aria-hidden="true">
            {match ruling.standing {
                Standing::Holds => "✓",
                Standing::Explained => "i",
                Standing::Broken => "✗",
            }}
        </span>
        <span class="title">{title}</span>
        <span class="found">{found}</span>
    };
    let body = match ruling.findings.is_empty() {
        true => view! { <div class="rule" title=ruling.rule.asks()>{head}</div> }.into_any(),
        false => {
            let open = ruling.standing == Standing::Broken;
            // Ten of a kind say what there is to say.
            let more = ruling.findings.len().saturating_sub(10);
            let findings = ruling
                .findings
                .into_iter()
                .take(10)
                .map(|finding| view! { <FindingView finding shown /> });
            view! {
                <details open=open>
                    <summary class="rule" title=ruling.rule.asks()>
                        {head}
                    </summary>
                    <ul class="findings">
                        {findings.collect_view()}
                        {(more > 0).then(|| view! { <li class="quiet">{format!("and {more} more")}</li> })}
                    </ul>
                </details>
            }
            .into_any()
        }
    };
    view! { <li class=standing data-rule=title data-standing=standing>{body}</li> }
}

#[component]
fn FindingView(finding: Finding, shown: Shown) -> impl IntoView {
    let event = finding.event.map(|event| {
        let href = shown
            .asked
            .with_value(|asked| links::event(asked.find.as_deref(), &event.uuid));
        view! { <a href=href rel="external">{event.name}</a>": " }
    });
    view! { <li class=finding.standing.as_str()>{event}{finding.reason}</li> }
}
