//! The text policy: what each kind of text field accepts, and in which form it is kept.
//!
//! | field | form | length |
//! |---|---|---|
//! | question, option | [`line`] | 200, 100 characters as users see them (grapheme clusters) |
//! | address | [`Email`](crate::Email) | 254 bytes, of which the name has 64 |
//! | new password | [`new_password`] | 10 to 256 code points |
//! | current password | [`known_password`] | at most 256 code points |
//! | search | [`search_text`] | unlimited |
//!
//! Every text is in NFC, so that text that looks equal is equal. Control characters are refused. `invisible` says which
//! invisible characters are kept, removed and refused. The rest is the writer's choice: emoji, right-to-left text, markup
//! and quotes are kept, and escaped where they are shown.

mod invisible;
mod secret;
#[cfg(test)]
mod tests;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

pub(crate) use invisible::is_invisible;
use invisible::{is_blank, remove_invisible};
pub use secret::Secret;

use crate::errors::FieldError;

/// NIST SP 800-63B asks for 8, and counts code points.
const PASSWORD_MIN: usize = 10;
/// Longer passwords only make the hash slow.
const PASSWORD_MAX: usize = 256;

/// Bytes of a text for each character that it may have. An emoji of a family has 25, a letter with marks up to 10.
const BYTES_PER_CHARACTER: usize = 32;

/// A text of one line, as it is kept and shown: visible, in NFC, trimmed, each run of white space as one space.
///
/// # Errors
/// [`FieldError::Missing`] if nothing is visible. [`FieldError::TooLong`] for more than `max` characters as users see
/// them. [`FieldError::TooManyMarks`] if characters carry so many marks that they are no text. Errors of invisible and
/// control characters.
pub(crate) fn line(text: &str, max: usize) -> Result<String, FieldError> {
    let text: String = remove_invisible(text.trim())?.nfc().collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let len = text.graphemes(true).count();
    if is_blank(&text) {
        Err(FieldError::Missing)
    } else if len > max {
        Err(FieldError::TooLong { max, len })
    } else if text.len() > max * BYTES_PER_CHARACTER {
        Err(FieldError::TooManyMarks)
    } else {
        Ok(text)
    }
}

/// A text to search for, in the form in which kept texts are compared: visible, in NFC, trimmed, in lower case. A text
/// that no field would accept finds nothing, so it is only lowercased.
pub fn search_text(text: &str) -> String {
    line(text, usize::MAX / BYTES_PER_CHARACTER)
        .unwrap_or_else(|_| text.trim().to_owned())
        .to_lowercase()
}

/// A password to be compared. Rules for new passwords do not apply to old ones.
///
/// # Errors
/// [`FieldError::Missing`], or [`FieldError::TooLong`] for more than 256 code points.
pub(crate) fn known_password(password: &Secret) -> Result<Secret, FieldError> {
    let len = password.normal_form().chars().count();
    match len {
        0 => Err(FieldError::Missing),
        _ if len > PASSWORD_MAX => Err(FieldError::TooLong {
            max: PASSWORD_MAX,
            len,
        }),
        _ => Ok(password.clone()),
    }
}

/// A password to be hashed. Spaces count, and every script is accepted. An invisible character is refused where it would
/// be removed elsewhere: the user could not type the password again.
///
/// # Errors
/// Those of [`known_password`], [`FieldError::TooShort`] for fewer than 10 code points, and errors of invisible and
/// control characters.
pub(crate) fn new_password(password: &Secret) -> Result<Secret, FieldError> {
    let password = known_password(password)?;
    let text = password.normal_form();
    if text.chars().count() < PASSWORD_MIN {
        return Err(FieldError::TooShort { min: PASSWORD_MIN });
    }
    let visible = remove_invisible(&text)?;
    let removed = text
        .chars()
        .zip(visible.chars().chain(['\0']))
        .find(|(a, b)| a != b);
    match removed {
        Some((removed, _)) => Err(FieldError::InvisibleCharacter {
            code: u32::from(removed),
        }),
        None => Ok(password),
    }
}

/// Text in NFC, without invisible characters and outer white space.
pub(crate) fn visible(text: &str) -> Result<String, FieldError> {
    Ok(remove_invisible(text.trim())?.trim().nfc().collect())
}
