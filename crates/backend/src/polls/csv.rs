//! Poll results as CSV for spreadsheets (RFC 4180).

use super::Results;

/// Without it, spreadsheets do not detect UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Characters that start a formula in a spreadsheet. The last four are full-width forms.
const FORMULA_STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Returns one line per option: the label, the number of votes, and the percentage of voters.
pub fn results_csv(results: &Results) -> String {
    let mut text = format!("{BYTE_ORDER_MARK}Option,Votes,Share of voters in %\r\n");
    for (label, &count) in results.poll.options.iter().zip(&results.counts) {
        let share = match results.poll.voters {
            0 => 0.0,
            voters => f64::from(count) * 100.0 / f64::from(voters),
        };
        text.push_str(&format!("{},{count},{share:.1}\r\n", cell(label)));
    }
    text
}

/// Quotes a text cell and prevents it from being read as a formula (OWASP, "CSV Injection").
fn cell(text: &str) -> String {
    let first = text.trim_start().chars().next();
    let guard = if first.is_some_and(|first| FORMULA_STARTS.contains(&first)) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::polls::Poll;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (text, expected) in [
            ("Soup", "\"Soup\""),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("＝1+1", "\"'＝1+1\""),
            ("\u{a0}=1", "\"'\u{a0}=1\""),
            ("a=1", "\"a=1\""),
            ("\"=1", "\"\"\"=1\""),
            ("مرحبا 🍜", "\"مرحبا 🍜\""),
        ] {
            assert_eq!(cell(text), expected, "{text}");
        }
    }

    #[test]
    fn one_line_per_option() {
        let mut results = Results {
            poll: Poll {
                id: Uuid::nil(),
                question: "Lunch?".to_owned(),
                options: vec!["Soup".to_owned(), "=Salad".to_owned()],
                multiple_choice: true,
                created_at_ms: 0,
                closes_at_ms: None,
                closed: None,
                deleted_at_ms: None,
                edits: 0,
                voters: 3,
            },
            counts: vec![2, 0],
            changes: 0,
        };
        assert_eq!(
            results_csv(&results),
            "\u{feff}Option,Votes,Share of voters in %\r\n\"Soup\",2,66.7\r\n\"'=Salad\",0,0.0\r\n"
        );
        results.poll.voters = 0;
        results.counts = vec![0, 0];
        assert!(results_csv(&results).contains("\"Soup\",0,0.0\r\n"));
    }
}
