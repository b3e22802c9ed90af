//! The table of the text policy: field kind, input, and what is kept or the error.

use super::*;
use crate::Email;
use crate::errors::FieldError::{ControlCharacter, Missing, NotAnEmail, TooLong, TooManyMarks, TooShort};

fn invisible(code: u32) -> FieldError {
    FieldError::InvisibleCharacter { code }
}

#[test]
fn case_18_lines() {
    let family = "👨\u{200d}👩\u{200d}👧\u{200d}👦";
    let zalgo = format!("a{}", "\u{301}".repeat(5_000));
    let cases: Vec<(&str, Result<String, FieldError>)> = vec![
        // What changes nothing is removed.
        ("  Lunch? ", Ok("Lunch?".into())),
        ("Lu\u{200b}nch\u{feff}\u{2060}\u{ad}?", Ok("Lunch?".into())),
        ("Lu\u{200d}nch\u{200c}?", Ok("Lunch?".into())),
        ("Lunch\u{fe0f}? 1\u{fe0f}", Ok("Lunch? 1".into())),
        ("\u{fe0f}Lunch", Ok("Lunch".into())),
        ("😀\u{fe0f}\u{fe01}\u{fe02}\u{e0100}", Ok("😀\u{fe0f}".into())),
        ("a  b\u{a0} \u{2003}c\u{2028}d", Ok("a b c d".into())),
        // One spelling.
        ("Cafe\u{301}", Ok("Café".into())),
        ("\u{212b}", Ok("Å".into())),
        ("a\u{34f}\u{301}", Ok("á".into())),
        // What changes something is kept.
        (family, Ok(family.into())),
        (
            "👩\u{200d}❤\u{fe0f}\u{200d}👨",
            Ok("👩\u{200d}❤\u{fe0f}\u{200d}👨".into()),
        ),
        (
            "👩🏽\u{200d}🚒 🏳\u{fe0f}\u{200d}🌈",
            Ok("👩🏽\u{200d}🚒 🏳\u{fe0f}\u{200d}🌈".into()),
        ),
        ("1\u{fe0f}\u{20e3}", Ok("1\u{fe0f}\u{20e3}".into())),
        (
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            Ok("🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}".into()),
        ),
        ("می\u{200c}خواهم", Ok("می\u{200c}خواهم".into())),
        ("ක්\u{200d}ෂ", Ok("ක්\u{200d}ෂ".into())),
        ("র\u{200d}্য", Ok("র\u{200d}্য".into())),
        ("葛\u{e0100}", Ok("葛\u{e0100}".into())),
        ("שלום עולם", Ok("שלום עולם".into())),
        ("\u{600}١", Ok("\u{600}١".into())),
        // What hides or reorders text is refused.
        ("abc\u{202e}def", Err(invisible(0x202e))),
        ("\u{200f}abc", Err(invisible(0x200f))),
        ("a\u{61c}b", Err(invisible(0x61c))),
        ("a\u{2066}b\u{2069}", Err(invisible(0x2066))),
        ("\u{3164}", Err(invisible(0x3164))),
        ("\u{115f}\u{1160}", Err(invisible(0x115f))),
        ("\u{ffa0}", Err(invisible(0xffa0))),
        ("a\u{e0061}\u{e0062}", Err(invisible(0xe0061))),
        ("🏴\u{e0067}\u{e0062}", Err(invisible(0xe0067))),
        ("a\u{2063}b", Err(invisible(0x2063))),
        ("a\u{fffc}", Err(invisible(0xfffc))),
        ("a\u{7}b", Err(ControlCharacter)),
        ("a\nb", Err(ControlCharacter)),
        // Nothing is visible.
        ("", Err(Missing)),
        (" \u{3000}\u{a0} ", Err(Missing)),
        ("\u{200b}\u{feff}", Err(Missing)),
        ("\u{fe0f}\u{200d}", Err(Missing)),
        ("\u{2800} \u{2800}", Err(Missing)),
        (&zalgo, Err(TooManyMarks)),
    ];
    for (text, expected) in cases {
        assert_eq!(line(text, 20), expected, "{}", text.escape_unicode());
        if let Ok(kept) = line(text, 20) {
            assert_eq!(
                line(&kept, 20),
                Ok(kept.clone()),
                "the kept text passes unchanged"
            );
        }
    }
}

#[test]
fn lines_are_measured_in_characters_as_users_see_them() {
    let family = "👨\u{200d}👩\u{200d}👧\u{200d}👦";
    assert!(line(&family.repeat(20), 20).is_ok());
    assert_eq!(line(&family.repeat(21), 20), Err(TooLong { max: 20, len: 21 }));
    assert!(line(&"e\u{301}".repeat(20), 20).is_ok());
    assert_eq!(line(&"é".repeat(21), 20), Err(TooLong { max: 20, len: 21 }));
}

#[test]
fn case_18_addresses() {
    let key = |text: &str| Email::parse(text).map(|email| email.key());
    let long = format!("{}@example.com", "a".repeat(300));
    let long_host = format!("a@{}.example", "ü".repeat(70));
    for (text, expected) in [
        ("ada@example.com", Ok("ada@example.com")),
        ("Ada@Example.COM", Ok("ada@example.com")),
        // One account, however it is copied.
        ("ada\u{200b}@example.com", Ok("ada@example.com")),
        ("\u{feff}ada@exam\u{ad}ple.com\u{200b}", Ok("ada@example.com")),
        ("ada\u{200d}@example.com\u{fe0f}", Ok("ada@example.com")),
        ("rene\u{301}@example.com", Ok("rené@example.com")),
        ("ren\u{e9}@example.com", Ok("rené@example.com")),
        ("\u{212a}arl@example.com", Ok("karl@example.com")),
        ("ada@bücher.example", Ok("ada@xn--bcher-kva.example")),
        ("ada@BU\u{308}CHER.example", Ok("ada@xn--bcher-kva.example")),
        ("ada@xn--bcher-kva.example", Ok("ada@xn--bcher-kva.example")),
        ("ada@XN--BCHER-KVA.example", Ok("ada@xn--bcher-kva.example")),
        ("ada@ｅｘａｍｐｌｅ。com", Ok("ada@example.com")),
        ("o'neil+poll@x-y.co.example", Ok("o'neil+poll@x-y.co.example")),
        ("bjørn@blåbær.example", Ok("bjørn@xn--blbr-roah.example")),
        ("ada@💩.example", Ok("ada@xn--ls8h.example")),
        // Letters that look like others.
        ("ａｄａ@example.com", Err(NotAnEmail)),
        ("𝐚da@example.com", Err(NotAnEmail)),
        // Invisible.
        ("ada@example.com\u{202e}", Err(invisible(0x202e))),
        ("\u{202a}ada@example.com\u{202c}", Err(invisible(0x202a))),
        ("a\u{3164}@example.com", Err(invisible(0x3164))),
        ("👨\u{200d}👩@example.com", Err(invisible(0x200d))),
        ("a\u{0}b@example.com", Err(ControlCharacter)),
        // No address.
        ("  ", Err(Missing)),
        ("\u{200b}", Err(Missing)),
        ("ada", Err(NotAnEmail)),
        ("@example.com", Err(NotAnEmail)),
        ("ada@", Err(NotAnEmail)),
        ("ada@example", Err(NotAnEmail)),
        ("a b@example.com", Err(NotAnEmail)),
        ("a@b@example.com", Err(NotAnEmail)),
        ("ada@-x.example", Err(NotAnEmail)),
        ("ada@x..example", Err(NotAnEmail)),
        ("ada@example.com.", Err(NotAnEmail)),
        ("ada@exam_ple.com", Err(NotAnEmail)),
        ("ada@exam ple.com", Err(NotAnEmail)),
        ("<ada@example.com>", Err(NotAnEmail)),
        ("ada@xn--\u{301}.example", Err(NotAnEmail)),
        (&long, Err(TooLong { max: 254, len: 312 })),
        (&long_host, Err(NotAnEmail)),
    ] {
        assert_eq!(
            key(text),
            expected.map(str::to_owned),
            "{}",
            text.escape_unicode()
        );
    }
}

#[test]
fn case_18_an_address_is_shown_as_typed_and_sent_in_ascii() {
    let email = Email::parse(" Ada\u{200b}@Bu\u{308}cher.example ").unwrap();
    assert_eq!(email.as_str(), "Ada@Bücher.example");
    assert_eq!(email.delivery(), "Ada@xn--bcher-kva.example");
    assert_eq!(email.domain(), "bücher.example");
    let same = Email::parse("ada@xn--bcher-kva.example").unwrap();
    assert_eq!((same.domain(), same.key()), (email.domain(), email.key()));
    assert_eq!(format!("{email:?}"), "Email(…)");
}

#[test]
fn case_18_accounts_from_before_the_policy_are_found() {
    for (stored_key, typed) in [
        ("ada@bücher.example", "Ada@bücher.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
        ("ada\u{200b}@example.com", "ada\u{200b}@example.com"),
        ("rene\u{301}@example.com", "rene\u{301}@example.com"),
        ("a\u{202e}da@example.com", "a\u{202e}da@example.com"),
        ("ａｄａ@example.com", "ＡＤＡ@example.com"),
    ] {
        let email = Email::parse_known(typed).unwrap();
        assert!(
            email.keys().iter().any(|key| key == stored_key),
            "{}",
            typed.escape_unicode()
        );
    }
    for typed in ["ada", "a da@example.com", "ada@example", "a\u{7}@example.com"] {
        assert!(Email::parse_known(typed).is_err(), "{typed}");
    }
}

#[test]
fn case_19_passwords() {
    for (text, expected) in [
        ("correct horse", Ok("correct horse")),
        ("  spaces count  ", Ok("  spaces count  ")),
        ("pa\u{308}sswort lang", Ok("pässwort lang")),
        ("p\u{e4}sswort lang", Ok("pässwort lang")),
        ("пароль длинный", Ok("пароль длинный")),
        (
            "👨\u{200d}👩\u{200d}👧 family",
            Ok("👨\u{200d}👩\u{200d}👧 family"),
        ),
        ("short", Err(TooShort { min: 10 })),
        // Ten letters before, nine after normalization.
        ("a\u{301}bcdefghi", Err(TooShort { min: 10 })),
        ("", Err(Missing)),
        ("correct\u{200b} horse", Err(invisible(0x200b))),
        ("correct horse\u{200b}", Err(invisible(0x200b))),
        ("correct\u{202e} horse", Err(invisible(0x202e))),
        ("correct\u{3164}horse", Err(invisible(0x3164))),
        ("correct\thorse", Err(ControlCharacter)),
    ] {
        let kept = new_password(&Secret::new(text)).map(|password| password.normal_form());
        assert_eq!(kept, expected.map(str::to_owned), "{}", text.escape_unicode());
    }
    let long = Secret::new("🔑".repeat(257));
    assert_eq!(new_password(&long).unwrap_err(), TooLong { max: 256, len: 257 });
    // An old password is only compared.
    for text in ["old", "old\u{200b}", "old\u{202e}\t"] {
        assert!(known_password(&Secret::new(text)).is_ok(), "{text:?}");
    }
}

#[test]
fn case_19_a_password_has_one_form_to_hash_and_the_old_ones_to_compare() {
    let composed = Secret::new("p\u{e4}ss");
    let decomposed = Secret::new("pa\u{308}ss");
    assert_eq!(composed.normal_form(), decomposed.normal_form());
    assert_eq!(composed.forms(), ["p\u{e4}ss", "pa\u{308}ss"]);
    assert_eq!(decomposed.forms(), ["p\u{e4}ss", "pa\u{308}ss"]);
    assert_eq!(Secret::new("plain").forms(), ["plain"]);
    assert_eq!(format!("{composed:?}"), "Secret(…)");
}

#[test]
fn a_search_finds_a_text_in_any_spelling() {
    for (typed, searched) in [
        (" Cafe\u{301}\u{200b} ", "café"),
        ("LUNCH", "lunch"),
        ("a\u{202e}b", "a\u{202e}b"),
        ("", ""),
    ] {
        assert_eq!(search_text(typed), searched, "{typed:?}");
    }
}
