//! CSV files for spreadsheets (RFC 4180). Every export of the app is written here.
//!
//! Cells come from users and browsers. A spreadsheet reads some texts as formulas, so those get an apostrophe in front
//! (OWASP, "CSV Injection").

use csv::{Terminator, WriterBuilder};

/// Without it, spreadsheets do not detect UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Characters that start a formula. The last four are full-width forms.
const FORMULA_STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Returns a file with a header line and one line for each row.
pub fn csv_file<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    // Writing to memory cannot fail, and all rows have the same length.
    let mut write = |cells: [String; COLUMNS]| {
        let written = writer.write_record(cells.map(guarded));
        debug_assert!(written.is_ok(), "{written:?}");
    };
    write(header.map(str::to_owned));
    rows.into_iter().for_each(write);
    let file = writer.into_inner().unwrap_or_default();
    String::from_utf8(file).unwrap_or_default()
}

/// The cell, with an apostrophe if a spreadsheet would read it as a formula. Spreadsheets skip spaces and invisible characters
/// at the beginning. A number stays a number.
fn guarded(cell: String) -> String {
    let first = cell.chars().find(|letter| !is_skipped(*letter));
    let is_formula =
        first.is_some_and(|first| FORMULA_STARTS.contains(&first)) && cell.parse::<f64>().is_err();
    // Excel also reads a cell that begins with one of these as a formula.
    if is_formula || cell.starts_with(['\t', '\r', '\n']) {
        format!("'{cell}")
    } else {
        cell
    }
}

fn is_skipped(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\'' | '"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_20_formulas_are_text_and_numbers_are_numbers() {
        for (cell, is_guarded) in [
            ("plain", false),
            ("a=1", false),
            ("", false),
            ("-12.5", false),
            ("+3", false),
            ("مرحبا 🍜", false),
            ("=1+1", true),
            (" =1+1", true),
            ("＝1+1", true),
            ("\u{a0}＝1", true),
            ("\u{feff}=1", true),
            ("\u{200b}@SUM(A1)", true),
            ("\"=1", true),
            ("-x", true),
            ("@SUM(A1)", true),
            ("\t=1", true),
            ("\rx", true),
        ] {
            let expected = if is_guarded {
                format!("'{cell}")
            } else {
                cell.to_owned()
            };
            assert_eq!(guarded(cell.to_owned()), expected, "{cell:?}");
        }
    }

    #[test]
    fn cells_are_quoted_where_needed() {
        let rows = [
            ["a, \"b\"".to_owned(), "-1".to_owned()],
            ["two\r\nlines".to_owned(), "=x".to_owned()],
        ];
        assert_eq!(
            csv_file(["Name", "Count"], rows),
            "\u{feff}Name,Count\r\n\"a, \"\"b\"\"\",-1\r\n\"two\r\nlines\",'=x\r\n"
        );
    }
}
