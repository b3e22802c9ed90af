//! Results as a table for a spreadsheet (RFC 4180).

use super::Results;

/// Spreadsheets take UTF-8 for something older unless a file begins with this.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a spreadsheet takes for the beginning of a formula, the last four in the wide forms of East Asian input.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A line for each option: its label, how many chose it, and the share of the voters who did.
pub fn csv(results: &Results) -> String {
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

/// Text that stays text: always quoted, and never a formula (OWASP, "CSV Injection").
fn cell(text: &str) -> String {
    let begins = text.trim_start().chars().next();
    let guard = if begins.is_some_and(|begins| FORMULA.contains(&begins)) {
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
    fn text_stays_text() {
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
    fn a_line_for_each_option() {
        let mut results = Results {
            poll: Poll {
                id: Uuid::nil(),
                question: "Lunch?".to_owned(),
                options: vec!["Soup".to_owned(), "=Salad".to_owned()],
                multiple_choice: true,
                created_at: 0,
                closes_at: None,
                closed: None,
                deleted_at: None,
                edits: 0,
                voters: 3,
            },
            counts: vec![2, 0],
        };
        assert_eq!(
            csv(&results),
            "\u{feff}Option,Votes,Share of voters in %\r\n\"Soup\",2,66.7\r\n\"'=Salad\",0,0.0\r\n"
        );
        results.poll.voters = 0;
        results.counts = vec![0, 0];
        assert!(csv(&results).contains("\"Soup\",0,0.0\r\n"));
    }
}
