//! What mails say: a function of their kind. Plain text and HTML come from one letter.

use serde::{Deserialize, Serialize};

/// A letter. It has no `Debug`: its link holds a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Subject line.
    pub subject: String,
    /// Paragraphs.
    pub before: Vec<String>,
    /// What the person is asked to do, if anything.
    pub action: Option<Action>,
    /// Paragraphs after it.
    pub after: Vec<String>,
}

/// A link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// On the button.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

const NOT_YOU: &str = "If this was not you, you can ignore this mail: without the link nothing happens.";

impl Letter {
    /// Proves an address.
    pub fn verify_email(url: String) -> Self {
        Self::new(
            "Confirm your e-mail address",
            &["Welcome to Seamline. Please confirm that this address is yours."],
            Some(("Confirm my address", url)),
            &["The link works once, within 3 days.", NOT_YOU],
        )
    }

    /// Proves a new address.
    pub fn change_email(url: String) -> Self {
        Self::new(
            "Confirm your new e-mail address",
            &[
                "You want to use this address for your Seamline account. Please confirm that it is yours; until then the old one stays.",
            ],
            Some(("Use this address", url)),
            &["The link works once, within a day.", NOT_YOU],
        )
    }

    /// To an address that has an account of its own already.
    pub fn email_in_use() -> Self {
        Self::new(
            "This address has a Seamline account",
            &[
                "Somebody asked to use this address for another Seamline account. It has an account already, so nothing was changed.",
                "If it was you, sign in with this address instead, or delete its account first.",
            ],
            None,
            &[],
        )
    }

    /// To the present address, while the change is not confirmed.
    pub fn change_email_notice(new: &str) -> Self {
        Self::new(
            "Your e-mail address is about to change",
            &[&format!(
                "Somebody who knows your password asked to use {new} for your Seamline account. We have sent a link there; until it is used, nothing changes."
            )],
            None,
            &["If this was not you, change your password now: that makes the link worthless."],
        )
    }

    /// To the address before.
    pub fn email_changed(new: &str) -> Self {
        Self::new(
            "Your e-mail address was changed",
            &[&format!(
                "Your Seamline account now uses {new}. This address no longer signs in, and this is the last mail to it."
            )],
            None,
            &["If this was not you, tell the operator of this site at once."],
        )
    }

    /// Sets a new password.
    pub fn reset_password(url: String) -> Self {
        Self::new(
            "Set a new password",
            &["Somebody asked for a new password for your Seamline account."],
            Some(("Set a new password", url)),
            &[
                "The link works once, within an hour. Every browser that is signed in now will be signed out.",
                NOT_YOU,
            ],
        )
    }

    /// The password is another one.
    pub fn password_changed(browser: &str, forgot: String) -> Self {
        Self::new(
            "Your password was changed",
            &[&format!(
                "The password of your Seamline account was changed in {browser}. All other browsers were signed out."
            )],
            None,
            &[&format!("If this was not you, set a new one now: {forgot}")],
        )
    }

    /// The account goes.
    pub fn account_deleted() -> Self {
        Self::new(
            "Your account is being deleted",
            &[
                "Your Seamline account was closed, and nobody can sign in to it any more. Your polls, your logins and your address are erased in the next minutes; a subscription is canceled.",
                "What Amplitude knows of you is deleted last, on its own schedule. There is nothing left for you to do.",
            ],
            None,
            &["This is the last mail to this address. Thank you for having been here."],
        )
    }

    fn new(subject: &str, before: &[&str], action: Option<(&str, String)>, after: &[&str]) -> Self {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Self {
            subject: subject.to_owned(),
            before: owned(before),
            action: action.map(|(label, url)| Action {
                label: label.to_owned(),
                url,
            }),
            after: owned(after),
        }
    }

    /// For readers without HTML.
    pub fn text(&self) -> String {
        let action = self
            .action
            .iter()
            .map(|action| format!("{}:\n{}", action.label, action.url));
        let lines = self.before.iter().cloned().chain(action);
        let mut text = lines
            .chain(self.after.iter().cloned())
            .collect::<Vec<_>>()
            .join("\n\n");
        text.push_str("\n\n-- \nSeamline, polls for teams\n");
        text
    }

    /// For readers with: no images and nothing loaded, so nobody learns that it was opened.
    pub fn html(&self) -> String {
        let paragraph = |line: &String| format!("<p style=\"margin:0 0 16px\">{}</p>", escaped(line));
        let before: String = self.before.iter().map(paragraph).collect();
        let after: String = self.after.iter().map(paragraph).collect();
        let action = self.action.as_ref().map_or_else(String::new, |action| {
            format!(
                "<p style=\"margin:24px 0\"><a href=\"{}\" style=\"display:inline-block;padding:12px 20px;\
                 border-radius:10px;background:#1a1d24;color:#fffefb;font-weight:600;text-decoration:none\">{}</a></p>",
                escaped(&action.url),
                escaped(&action.label)
            )
        });
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{subject}</title></head>\
             <body style=\"margin:0;padding:32px 16px;background:#f5f3ee;color:#1a1d24;\
             font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">\
             <div style=\"max-width:520px;margin:0 auto;padding:32px;border:1px solid #dedad0;border-radius:16px;\
             background:#fffefb\"><p style=\"margin:0 0 24px;font-weight:700\">Seamline</p>\
             <h1 style=\"margin:0 0 16px;font-size:22px;line-height:1.25\">{subject}</h1>{before}{action}\
             <div style=\"color:#575b66;font-size:14px\">{after}</div></div></body></html>",
            subject = escaped(&self.subject),
        )
    }
}

/// Text as it may stand in HTML, in attributes too.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let url = "https://demo.example/verify/00ff".to_owned();
        for letter in [
            Letter::verify_email(url.clone()),
            Letter::change_email(url.clone()),
            Letter::reset_password(url.clone()),
            Letter::email_in_use(),
            Letter::change_email_notice("bob@example.com"),
            Letter::email_changed("bob@example.com"),
            Letter::password_changed("Firefox on Linux", "https://demo.example/forgot".to_owned()),
            Letter::account_deleted(),
        ] {
            let (text, html) = (letter.text(), letter.html());
            for line in letter.before.iter().chain(&letter.after) {
                assert!(text.contains(line) && html.contains(line), "{line}");
            }
            if let Some(action) = &letter.action {
                assert!(text.contains(&format!("\n{url}\n")), "a line of its own: {text}");
                assert!(html.contains(&format!("href=\"{url}\"")) && html.contains(&action.label));
            }
            assert!(!html.contains("<img") && !html.contains("src="), "{html}");
        }
    }

    #[test]
    fn addresses_are_text_and_no_markup() {
        let html = Letter::email_changed("a&b\"<b>@example.com").html();
        assert!(html.contains("a&amp;b&quot;&lt;b&gt;@example.com"), "{html}");
    }
}
