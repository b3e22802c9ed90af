//! Poll results as a CSV file.

use super::Results;
use crate::spreadsheet::csv_file;

/// Returns one line per option: the label, the number of votes, and the percentage of voters.
pub fn results_csv(results: &Results) -> String {
    let options = results.poll.options.iter().zip(&results.counts);
    let rows = options.map(|(label, &count)| {
        let share = match results.poll.voters {
            0 => 0.0,
            voters => f64::from(count) * 100.0 / f64::from(voters),
        };
        [label.clone(), count.to_string(), format!("{share:.1}")]
    });
    csv_file(["Option", "Votes", "Share of voters in %"], rows)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::polls::Poll;

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
            "\u{feff}Option,Votes,Share of voters in %\r\nSoup,2,66.7\r\n'=Salad,0,0.0\r\n"
        );
        results.poll.voters = 0;
        results.counts = vec![0, 0];
        assert!(results_csv(&results).contains("Soup,0,0.0\r\n"));
    }
}
