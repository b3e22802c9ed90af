//! Text from browsers: limited in length, without invisible characters.

/// The text without control and direction characters, trimmed, and cut at `max_len` bytes; `None` if nothing is left.
pub fn limited(text: &str, max_len: usize) -> Option<String> {
    let mut kept = String::new();
    for letter in text.trim().chars().filter(|letter| !is_invisible(*letter)) {
        if kept.len() + letter.len_utf8() > max_len {
            break;
        }
        kept.push(letter);
    }
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// Control characters, zero-width characters, and those that change the direction of the text around them.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cleaned_and_cut_between_characters() {
        for (text, expected) in [
            ("", None),
            (" \r\n\u{0}\u{200b} ", None),
            (" a\r\nSet-Cookie: b ", Some("aSet-Cookie: b")),
            ("\u{202e}evil", Some("evil")),
            ("üüüüüüüü", Some("üüüüü")),
            ("0123456789ab", Some("0123456789")),
        ] {
            let max_len = if text.starts_with(" a") { 100 } else { 10 };
            assert_eq!(limited(text, max_len).as_deref(), expected, "{text:?}");
        }
    }
}
