//! Characters that are not visible: which are kept, which are removed, and which are refused.
//!
//! A character is kept only where it changes what is shown: joiners inside of emoji and of scripts that join letters,
//! variation selectors after a base that has variants, and the tags of a flag. Characters that change nothing are
//! removed, because they come with copied text. All others are refused: they reorder or hide text.

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, ExtendedPictographic, JoiningType, Script,
    UnifiedIdeograph,
};
use icu_properties::{CodePointMapData, CodePointSetData};

use crate::errors::FieldError;

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const BLACK_FLAG: char = '\u{1f3f4}';
const KEYCAP: char = '\u{20e3}';
const CANCEL_TAG: char = '\u{e007f}';

/// The text without invisible characters that change nothing.
///
/// # Errors
/// [`FieldError::ControlCharacter`], or [`FieldError::InvisibleCharacter`] with the first character that is refused.
pub(super) fn remove_invisible(text: &str) -> Result<String, FieldError> {
    let characters: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    let mut position = 0;
    while let Some(&character) = characters.get(position) {
        let rest = characters.get(position + 1..).unwrap_or_default();
        position += 1;
        if character.is_control() {
            return Err(FieldError::ControlCharacter);
        } else if character == BLACK_FLAG {
            kept.push(character);
            let tags = flag_tags(rest);
            kept.extend(tags);
            position += tags.len();
        } else if !is_invisible(character)
            || is_kept(kept.chars().next_back(), character, rest.first().copied(), &kept)
        {
            kept.push(character);
        } else if !is_removable(character) {
            return Err(FieldError::InvisibleCharacter {
                code: u32::from(character),
            });
        }
    }
    Ok(kept)
}

/// Whether the character has no glyph of its own.
pub(crate) fn is_invisible(character: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        // Interlinear annotation, and the place of an object that is not there.
        || matches!(character, '\u{fff9}'..='\u{fffc}')
}

/// Whether the text shows nothing: white space and empty Braille patterns only.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|character| character.is_whitespace() || character == '\u{2800}')
}

/// Soft hyphen, grapheme joiner, zero-width spaces, joiners and variation selectors: without their context they change
/// nothing.
const fn is_removable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'
            | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

/// Whether an invisible character changes what is shown between these two characters.
fn is_kept(before: Option<char>, character: char, after: Option<char>, kept: &str) -> bool {
    let Some(before) = before else {
        return false;
    };
    match character {
        ZERO_WIDTH_JOINER => {
            let follows_pictograph = kept
                .chars()
                .rev()
                .find(|&c| c != '\u{fe0f}' && !('\u{1f3fb}'..='\u{1f3ff}').contains(&c))
                .is_some_and(is_pictograph);
            (follows_pictograph && after.is_some_and(is_pictograph))
                || is_virama(before)
                || after.is_some_and(is_virama)
                || joins_forward(before)
        }
        ZERO_WIDTH_NON_JOINER => {
            is_virama(before) || (joins_forward(before) && after.is_some_and(joins_backward))
        }
        // Text or emoji presentation. A digit has them in a keycap only.
        '\u{fe0e}' | '\u{fe0f}' => {
            CodePointSetData::new::<Emoji>().contains(before) && (!before.is_ascii() || after == Some(KEYCAP))
        }
        // Variants of an ideograph.
        '\u{e0100}'..='\u{e01ef}' => CodePointSetData::new::<UnifiedIdeograph>().contains(before),
        '\u{180b}'..='\u{180f}' => {
            CodePointMapData::<Script>::new().get(before) == Script::Mongolian && !is_invisible(before)
        }
        _ => false,
    }
}

/// The tags that make a flag of the black flag before them: a region's code and the end. Empty if there are none.
fn flag_tags(rest: &[char]) -> &[char] {
    let is_code = |c: &char| matches!(*c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let length = rest.iter().take_while(|c| is_code(c)).count();
    match rest.get(length) {
        Some(&CANCEL_TAG) if (3..=6).contains(&length) => &rest[..=length],
        _ => &[],
    }
}

fn is_pictograph(character: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(character)
}

fn is_virama(character: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(character) == CanonicalCombiningClass::Virama
}

fn joins_forward(character: char) -> bool {
    matches!(
        CodePointMapData::<JoiningType>::new().get(character),
        JoiningType::DualJoining | JoiningType::LeftJoining
    )
}

fn joins_backward(character: char) -> bool {
    matches!(
        CodePointMapData::<JoiningType>::new().get(character),
        JoiningType::DualJoining | JoiningType::RightJoining
    )
}
