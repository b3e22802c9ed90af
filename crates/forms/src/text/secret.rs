//! Text that no log may show.

use std::fmt;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

/// A password on its way to be hashed. Neither `Debug` nor any error shows it.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps the input.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The input in NFC: the form to hash. Keyboards send composed or decomposed letters for the same password.
    pub fn normal_form(&self) -> String {
        self.0.nfc().collect()
    }

    /// The forms to compare with a hash, without repetitions: NFC, and for hashes that were made before passwords were
    /// normalized, the input and NFD.
    pub fn forms(&self) -> Vec<String> {
        let mut forms = vec![self.normal_form()];
        for form in [self.0.clone(), self.0.nfd().collect()] {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        forms
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
